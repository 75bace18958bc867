#include "adapters/postgres/postgres_records.hpp"

#include "base/json.hpp"
#include "ports/item_codec.hpp"

#include <algorithm>
#include <charconv>

namespace stoa {
namespace {

constexpr int rows_at_once = 200;
constexpr std::size_t flush_at_bytes = 512 * 1024;

std::int64_t number_of(std::string_view text) {
    if (text == "t") return 1;
    std::int64_t out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

// A few long transactions: what ends stuck ones is not for them.
postgres_address patient(postgres_address where) {
    where.statement_timeout = hours(1);
    where.application = "stoa house";
    return where;
}

result<void> opened(postgres_connection& on, const char* begin) {
    try {
        on.open();
        on.script(
            "SET statement_timeout = 0; SET lock_timeout = 0; "
            "SET idle_in_transaction_session_timeout = 0");
        on.script(begin);
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

}  // namespace

std::vector<std::string> tables_of(const std::vector<sql_component>& components) {
    constexpr std::string_view words = "CREATE TABLE ";
    std::vector<std::string> out;
    for (const auto& component : components)
        for (const auto& step : component.steps) {
            const std::string_view text = step.text;
            for (auto at = text.find(words); at != text.npos; at = text.find(words, at)) {
                at += words.size();
                const auto end = text.find_first_of(" (\n", at);
                out.emplace_back(text.substr(at, end - at));
            }
        }
    std::ranges::sort(out);
    return out;
}

result<std::unique_ptr<postgres_records>> postgres_records::open(const postgres_address& where) {
    std::unique_ptr<postgres_records> out(new postgres_records(patient(where)));
    // The snapshot is that of the first statement after BEGIN: here, and not with the first read.
    STOA_TRY_VOID(opened(out->on_,
                         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM "
                         "schema_migrations"));
    return out;
}

postgres_records::~postgres_records() = default;

void postgres_records::declare(const std::string& select, bool binary) {
    const auto name = "house_" + std::to_string(texts_.size());
    on_.script("DECLARE " + name + " NO SCROLL CURSOR FOR " + select);
    texts_.push_back(std::make_unique<postgres_prepared_text>(postgres_prepared_text{
        "FETCH " + std::to_string(rows_at_once) + " FROM " + name, {}, binary}));
    fetch_ = texts_.back().get();
    ready_.clear();
    more_ = true;
}

void postgres_records::migrations() {
    columns_ = {{"component"}, {"version", true}, {"name"}, {"checksum", true}};
    declare(
        "SELECT component, version, name, checksum FROM schema_migrations ORDER BY component, "
        "version",
        false);
}

std::vector<postgres_records::column> postgres_records::columns_of(const std::string& table) {
    static const postgres_prepared_text ask{
        "SELECT column_name::TEXT, data_type::TEXT FROM information_schema.columns WHERE "
        "table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
        {postgres_type::text}};
    std::vector<column> out;
    postgres_parameters args;
    args.add_text(table);
    on_.send(ask, std::move(args), [&](const postgres_rows& rows) {
        for (int i = 0; i < rows.count(); ++i)
            out.push_back({std::string(rows.at(i, 0)),
                           rows.at(i, 1).ends_with("int") || rows.at(i, 1) == "integer"});
    });
    on_.settle();
    return out;
}

void postgres_records::rows(const std::string& table) {
    columns_ = columns_of(table);
    std::string names;
    for (const auto& each : columns_) names += (names.empty() ? "" : ", ") + in_quotes(each.name);
    declare("SELECT " + names + " FROM " + in_quotes(table), false);
}

void postgres_records::items(const kv_table& table) {
    columns_.clear();
    declare("SELECT body FROM " + in_quotes("kv_" + std::string(table.name)), true);
}

void postgres_records::fetch() {
    on_.send(*fetch_, {}, [this](const postgres_rows& rows) {
        more_ = rows.count() == rows_at_once;
        for (int i = 0; i < rows.count(); ++i) {
            if (columns_.empty()) {
                ready_.emplace_back(rows.at(i, 0));
                continue;
            }
            item one;
            for (int c = 0; c < rows.columns(); ++c) {
                if (rows.null(i, c)) continue;
                const auto& of = columns_[static_cast<std::size_t>(c)];
                if (of.number) one.set(of.name, number_of(rows.at(i, c)));
                else one.set(of.name, rows.at(i, c));
            }
            encode_item(ready_.emplace_back(), one);
        }
    });
    on_.settle();
}

std::optional<std::string> postgres_records::take() {
    if (ready_.empty() && more_) fetch();
    if (ready_.empty()) return {};
    auto out = std::move(ready_.front());
    ready_.pop_front();
    return out;
}

std::optional<item> postgres_records::get(const kv_table& table, std::string_view hash,
                                          std::string_view range) {
    auto& text = gets_[std::string(table.name)];
    if (!text) {
        texts_.push_back(std::make_unique<postgres_prepared_text>(postgres_prepared_text{
            "SELECT body FROM " + in_quotes("kv_" + std::string(table.name)) +
                " WHERE h = $1 AND r = $2",
            {postgres_type::bytes, postgres_type::bytes},
            true}));
        text = texts_.back().get();
    }
    postgres_parameters args;
    args.add_bytes(hash);
    args.add_bytes(range);
    std::optional<item> out;
    on_.send(*text, std::move(args), [&](const postgres_rows& rows) {
        if (rows.count() > 0) out = decode_item(rows.at(0, 0));
    });
    on_.settle();
    return out;
}

result<std::unique_ptr<postgres_filler>> postgres_filler::open(const postgres_address& where) {
    std::unique_ptr<postgres_filler> out(new postgres_filler(patient(where)));
    STOA_TRY_VOID(opened(out->on_, "BEGIN"));
    return out;
}

postgres_filler::~postgres_filler() = default;

result<void> postgres_filler::guarded(const std::function<void()>& work) {
    try {
        work();
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

const postgres_prepared_text& postgres_filler::text_of(std::string sql,
                                                       std::vector<std::uint32_t> types) {
    auto& made = texts_[sql];
    if (!made)
        made = std::make_unique<postgres_prepared_text>(
            postgres_prepared_text{std::move(sql), std::move(types)});
    return *made;
}

result<std::optional<std::string>> postgres_filler::filled(const std::vector<std::string>& tables) {
    std::optional<std::string> out;
    STOA_TRY_VOID(guarded([&] {
        for (const auto& each : tables) {
            on_.send(text_of("SELECT 1 FROM " + in_quotes(each) + " LIMIT 1", {}), {},
                     [&](const postgres_rows& rows) {
                         if (rows.count() > 0) out = each;
                     });
            on_.settle();
            if (out) break;
        }
    }));
    return out;
}

result<void> postgres_filler::begin(const std::string& table) {
    return guarded([&] {
        send();
        table_ = table;
        on_.script("DELETE FROM " + in_quotes(table));
    });
}

result<void> postgres_filler::add(const item& row) {
    return guarded([&] {
        rows_ += rows_.empty() ? "[{" : ",{";
        bool first = true;
        for (const auto& each : row) {
            if (!first) rows_ += ',';
            first = false;
            append_json_string(rows_, each.name);
            rows_ += ':';
            if (const auto* n = each.value.integer()) rows_ += std::to_string(*n);
            else if (const auto* text = each.value.text()) append_json_string(rows_, *text);
            else rows_ += "null";
            columns_.insert(each.name);
        }
        rows_ += '}';
        ++waiting_;
        if (rows_.size() >= flush_at_bytes) send();
    });
}

result<void> postgres_filler::put(const kv_table& table, const item& one) {
    return guarded([&] {
        std::string body;
        encode_item(body, one);
        postgres_parameters args;
        args.add_bytes(one.text(table.hash));
        args.add_bytes(one.text(table.range));
        if (table.ttl.empty()) args.add_null();
        else args.add_number_binary(one.integer(table.ttl));
        args.add_bytes(body);
        on_.send(text_of("INSERT INTO " + in_quotes("kv_" + std::string(table.name)) +
                             " (h, r, expires_at, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO "
                             "NOTHING",
                         {postgres_type::bytes, postgres_type::bytes, postgres_type::number,
                          postgres_type::bytes}),
                 std::move(args));
        on_.settle();
    });
}

void postgres_filler::send() {
    if (waiting_ == 0) return;
    std::string names;
    for (const auto& each : columns_) names += (names.empty() ? "" : ", ") + in_quotes(each);
    const auto relation = in_quotes(table_);
    const auto& insert =
        text_of("INSERT INTO " + relation + " (" + names + ") SELECT " + names +
                    " FROM json_populate_recordset(NULL::" + relation + ", $1::JSON)",
                {postgres_type::text});
    rows_ += ']';
    postgres_parameters args;
    args.add_text(rows_);
    std::int64_t made = 0;
    on_.send(insert, std::move(args), {}, &made);
    on_.settle();
    if (made != waiting_)
        throw sql_failure{error{.kind = errc::internal,
                                .code = "restore_failed",
                                .detail = table_ + " took " + std::to_string(made) + " rows of " +
                                          std::to_string(waiting_)}};
    rows_.clear();
    columns_.clear();
    waiting_ = 0;
}

result<void> postgres_filler::finish() {
    return guarded([&] {
        send();
        on_.script("COMMIT");
        on_.close();
    });
}

}  // namespace stoa
