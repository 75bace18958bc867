#include "services/analytics/pipeline.hpp"

#include "base/ids.hpp"
#include "base/json.hpp"

#include <algorithm>
#include <numeric>

namespace stoa::analytics {
namespace {

// The key of the partition is the product in raw events, the order everywhere else.
constexpr std::string_view by_product = "ecom-raw-events";

auto wrong(const pipeline_definition& in, const std::string& what) {
    return fail(errc::invalid, "bad_pipeline", "pipeline " + in.name + ": " + what);
}

bool is_local(const pipeline_definition& of) {
    if (of.inputs.size() != 1) return false;
    const auto key = of.inputs.front().topic == by_product ? field::product : field::order;
    return std::ranges::find(of.key, key, &key_definition::field) != of.key.end();
}

result<void> check_window(const pipeline_definition& of) {
    const auto& window = of.window;
    if (window.size_ms < 1'000) return wrong(of, "a window has at least a second");
    if ((window.kind == window_kind::sliding) != window.step_ms.has_value())
        return wrong(of, "step_ms goes with sliding windows");
    if (window.step_ms && (*window.step_ms < 1'000 || window.size_ms % *window.step_ms != 0))
        return wrong(of, "size_ms must be a multiple of step_ms");
    if (of.out_of_orderness_ms < 0 || of.allowed_lateness_ms < 0)
        return wrong(of, "times are not negative");
    return {};
}

bool gives(const topic_definition& topic, field what) {
    switch (what) {
        case field::user:
            return topic.user.has_value();
        case field::product:
            return topic.product.has_value();
        case field::order:
            return topic.order.has_value();
        case field::word:
            return topic.word || topic.word_is;
        case field::currency:
            return topic.currency.has_value();
        case field::event:
            return true;
        case field::amount:
            return topic.amount && topic.currency;
        case field::quantity:
            return topic.quantity.has_value();
    }
    return false;
}

int index_of(const pipeline_definition& in, const std::optional<std::string>& name) {
    if (!name) return -1;
    const auto found = std::ranges::find(in.aggregates, *name, &aggregate_definition::name);
    return found == in.aggregates.end() ? -1 : static_cast<int>(found - in.aggregates.begin());
}

bool is_number(field what) { return what == field::amount || what == field::quantity; }

result<aggregate_plan> plan_aggregate(const pipeline_definition& in, const aggregate_definition& of,
                                      pipeline& out) {
    aggregate_plan made{.is = &of};
    if (of.distinct && of.kind != aggregate_kind::distinct)
        return wrong(in, of.name + " counts nothing distinct: `distinct` goes with that kind only");
    switch (of.kind) {
        case aggregate_kind::count:
            made.slot = out.numbers++;
            break;
        case aggregate_kind::sum:
            if (!of.field || !is_number(*of.field))
                return wrong(in, of.name + " sums an amount or a quantity");
            made.slot = out.numbers++;
            made.money = *of.field == field::amount;
            if (made.money && out.currency_part < 0)
                return wrong(in, of.name + " sums money: the currency must be in the key");
            break;
        case aggregate_kind::distinct:
            if (!of.field || is_number(*of.field))
                return wrong(in, of.name + " needs a text field");
            made.estimated = of.distinct == distinct_count::hll;
            made.slot = made.estimated ? out.sketches++ : out.sets++;
            break;
        case aggregate_kind::top:
            if (!of.field || is_number(*of.field) || of.limit.value_or(0) < 1)
                return wrong(in, of.name + " needs a text field and a limit");
            made.slot = out.tops++;
            break;
        case aggregate_kind::average:
        case aggregate_kind::difference: {
            made.of = index_of(in, of.of);
            made.per = index_of(in, of.per);
            const auto known = static_cast<int>(out.aggregates.size());
            if (made.of < 0 || made.per < 0 || made.of >= known || made.per >= known)
                return wrong(in, of.name + " names aggregates that stand before it");
            made.money = out.aggregates[static_cast<std::size_t>(made.of)].money;
            break;
        }
    }
    return made;
}

}  // namespace

result<void> definitions::plan(const pipeline_definition& of) {
    STOA_TRY_VOID(check_window(of));
    if (of.inputs.empty()) return wrong(of, "has no input");
    pipeline out{.is = &of};
    out.local = is_local(of);
    if (of.window.kind == window_kind::session && !out.local)
        return wrong(of, "a session's key must be the topic's");
    for (std::size_t i = 0; i < of.key.size(); ++i) {
        if (is_number(of.key[i].field)) return wrong(of, "a number is no key");
        if (of.key[i].field == field::currency) out.currency_part = static_cast<int>(i);
    }
    for (const auto& each : of.aggregates) {
        STOA_TRY(auto made, plan_aggregate(of, each, out));
        out.aggregates.push_back(made);
    }
    for (const auto& input : of.inputs) {
        const auto* topic = find_topic(input.topic);
        if (!topic) return wrong(of, "topic " + input.topic + " is not described");
        for (const auto& part : of.key)
            if (!gives(*topic, part.field)) return wrong(of, input.topic + " has no " + part.name);
        for (const auto& each : of.aggregates)
            if (each.field && !gives(*topic, *each.field))
                return wrong(of, input.topic + " has nothing for " + each.name);
        if (of.once_by && !gives(*topic, *of.once_by))
            return wrong(of, input.topic + " has nothing for once_by");
    }
    auto described = of;
    described.says.clear();
    out.signature = stable_hash(to_json(described));
    grid_ms_ = std::gcd(grid_ms_, std::gcd(of.window.pane_ms(), of.window.size_ms));
    longest_ms_ = std::max(longest_ms_, of.window.size_ms);
    pipelines_.push_back(std::move(out));
    return {};
}

result<void> definitions::choose(std::span<const std::string> only) {
    for (auto& each : pipelines_) each.runs = std::ranges::find(only, each.is->name) != only.end();
    for (const auto& name : only) {
        if (find(name)) continue;
        std::string all;
        for (const auto& each : pipelines_) all += (all.empty() ? "" : ", ") + each.is->name;
        return fail(errc::invalid, "unknown_pipeline",
                    "there is no pipeline `" + name + "`; there are: " + all);
    }
    return {};
}

result<std::unique_ptr<const definitions>> definitions::read(std::string_view text,
                                                             std::span<const std::string> only) {
    std::unique_ptr<definitions> out(new definitions);
    STOA_TRY(out->file_, from_json<definition_file>(text));
    if (out->file_.version != 1)
        return fail(errc::invalid, "bad_pipeline", "the definitions' version must be 1");
    // The parser compares a name with what stands in a payload, and may look as far behind its end.
    constexpr std::size_t longest_name = 48;
    for (const auto& each : out->file_.topics)
        for (const auto* name : {&each.time, &each.user, &each.product, &each.order, &each.word,
                                 &each.amount, &each.currency, &each.quantity, &each.word_unless})
            if (*name && ((*name)->empty() || (*name)->size() > longest_name))
                return fail(errc::invalid, "bad_pipeline",
                            "topic " + each.name + ": a member's name has 1 to 48 bytes");
    for (const auto& each : out->file_.topics)
        if (each.word_unless.has_value() != each.word_otherwise.has_value())
            return fail(errc::invalid, "bad_pipeline",
                        "topic " + each.name + ": word_unless and word_otherwise go together");
    std::vector<std::string_view> names;
    for (const auto& each : out->file_.pipelines) {
        if (std::ranges::find(names, each.name) != names.end())
            return wrong(each, "stands there twice");
        names.push_back(each.name);
        STOA_TRY_VOID(out->plan(each));
    }
    if (!only.empty()) STOA_TRY_VOID(out->choose(only));
    return out;
}

const topic_definition* definitions::find_topic(std::string_view name) const {
    const auto found = std::ranges::find(file_.topics, name, &topic_definition::name);
    return found == file_.topics.end() ? nullptr : &*found;
}

const pipeline* definitions::find(std::string_view name) const {
    const auto found =
        std::ranges::find(pipelines_, name, [](const pipeline& p) { return p.is->name; });
    return found == pipelines_.end() ? nullptr : &*found;
}

}  // namespace stoa::analytics
