#include "adapters/kafka/kafka_event_log.hpp"

#include "adapters/kafka/kafka_subscription.hpp"
#include "runtime/log.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace stoa {
namespace {

constexpr auto lags_old = seconds(5);
constexpr int letters_read = 500;  // of a topic of dead letters, at once

auto unknown(const std::string& topic) { return fail(unknown_kafka_topic(topic)); }

}  // namespace

result<std::string> probe_kafka(const kafka_options& options) {
    STOA_TRY_VOID(check(options));
    kafka_cluster cluster(options);
    STOA_TRY_VOID(cluster.open());
    STOA_TRY_VOID(cluster.look(options.ask_within));
    return "Kafka at " + described(options) + ": " + std::to_string(2 * options.topics.size()) +
           " topics as they should be";
}

result<std::vector<std::string>> make_kafka_topics(const kafka_options& options) {
    STOA_TRY_VOID(check(options));
    kafka_cluster cluster(options);
    STOA_TRY_VOID(cluster.open());
    return cluster.make_topics();
}

kafka_event_log::kafka_event_log(kafka_options options, key_value& items, clock& time)
    : publisher_(std::move(options)),
      options_(publisher_.options()),
      cluster_(publisher_.cluster()),
      time_(time),
      parking_(items) {}

kafka_event_log::~kafka_event_log() = default;

result<std::unique_ptr<kafka_event_log>> kafka_event_log::open(kafka_options options,
                                                               key_value& items, clock& time) {
    std::unique_ptr<kafka_event_log> out(new kafka_event_log(std::move(options), items, time));
    STOA_TRY_VOID(out->publisher_.open());
    return out;
}

result<std::shared_ptr<kafka_hub>> kafka_event_log::hub_of(const std::string& group,
                                                           const std::vector<std::string>& topics) {
    const std::scoped_lock lock(mutex_);
    auto& known = hubs_[group];
    if (auto hub = known.lock()) {
        if (hub->topics() == topics) return hub;
        return fail(errc::invalid, "topics_of_group",
                    "group " + group + " takes other topics in this process already");
    }
    parking_.unknow(group);
    // Told to the hub's waiting by the hub's own end, which may come after ours began.
    auto given_up = std::make_shared<std::atomic<bool>>(false);
    auto made = std::make_shared<kafka_hub>(
        options_, cluster_.troubles(), group, topics,
        [this, given_up] { return publisher_.contact().wait(*given_up); },
        [this, given_up] {
            *given_up = true;
            publisher_.contact().wake();
        });
    known = made;
    return made;
}

result<std::unique_ptr<subscription>> kafka_event_log::subscribe(std::string group,
                                                                 std::vector<std::string> topics,
                                                                 lane share) {
    if (share.of < 1 || share.index < 0 || share.index >= share.of)
        return fail(errc::invalid, "lane", "a lane is one of its count");
    for (const auto& each : topics)
        if (!cluster_.declared(each)) return unknown(each);
    std::ranges::sort(topics);
    STOA_TRY(auto hub, hub_of(group, topics));
    return std::make_unique<kafka_subscription>(*this, std::move(hub), share);
}

task<result<std::vector<delivery>>> kafka_event_log::read(std::string topic, int partition,
                                                          std::int64_t from, int max) {
    STOA_CO_TRY(const int count, publisher_.partitions_of(topic));
    if (partition < 0 || partition >= count) co_return unknown(topic);
    auto ask = [this, topic = std::move(topic), partition, from, max] {
        return cluster_.read(topic, partition, from, max);
    };
    co_return co_await offload(questions_, std::move(ask));
}

task<result<std::vector<topic_position>>> kafka_event_log::positions(std::string topic) {
    STOA_CO_TRY(const int count, publisher_.partitions_of(topic));
    auto ask = [this, topic = std::move(topic), count]() -> result<std::vector<topic_position>> {
        std::vector<topic_position> out;
        for (int i = 0; i < count; ++i) {
            STOA_TRY(auto one, cluster_.position(topic, i));
            out.push_back(std::move(one));
        }
        return out;
    };
    co_return co_await offload(questions_, std::move(ask));
}

result<std::vector<group_lag>> kafka_event_log::ask_lags() {
    std::vector<std::shared_ptr<kafka_hub>> hubs;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [group, known] : hubs_)
            if (auto hub = known.lock()) hubs.push_back(std::move(hub));
    }
    std::vector<group_lag> out;
    std::map<std::string, std::vector<topic_position>> ends;
    for (const auto& hub : hubs) {
        STOA_TRY(auto done, cluster_.committed(hub->group(), hub->topics()));
        for (const auto& own : hub->owned()) {
            auto& known = done.try_emplace({own.topic, own.partition}, own.next).first->second;
            known = std::max(known, own.next);
        }
        for (const auto& topic : hub->topics()) {
            STOA_TRY(const int count, publisher_.partitions_of(topic));
            auto& of_topic = ends[topic];
            for (int i = static_cast<int>(of_topic.size()); i < count; ++i) {
                STOA_TRY(auto one, cluster_.position(topic, i));
                of_topic.push_back(std::move(one));
            }
            group_lag lag{hub->group(), topic, 0};
            for (const auto& each : of_topic) {
                const auto at = done.find({topic, each.partition});
                const auto from = std::max(at == done.end() ? -1 : at->second, each.first);
                lag.events += std::max<std::int64_t>(0, each.end - from);
            }
            out.push_back(std::move(lag));
        }
    }
    return out;
}

void kafka_event_log::keep_lags(std::vector<group_lag> now) {
    const std::scoped_lock lock(mutex_);
    last_lags_ = std::move(now);
    lags_asked_ = time_.ticks();
}

std::vector<kafka_hub::progress> kafka_event_log::held(const std::string& group) {
    const std::scoped_lock lock(mutex_);
    const auto found = hubs_.find(group);
    const auto hub = found == hubs_.end() ? nullptr : found->second.lock();
    return hub ? hub->owned() : std::vector<kafka_hub::progress>{};
}

task<result<std::vector<group_lag>>> kafka_event_log::lags() {
    auto ask = [this]() -> result<std::vector<group_lag>> {
        STOA_TRY(auto now, ask_lags());
        keep_lags(now);
        return now;
    };
    co_return co_await offload(questions_, std::move(ask));
}

std::vector<group_lag> kafka_event_log::lags_now() {
    const std::scoped_lock lock(mutex_);
    const bool old = lags_asked_.nanos < 0 || time_.ticks() - lags_asked_ > lags_old;
    if (old && !lags_asking_) {
        lags_asking_ = questions_.post([this] {
            auto now = ask_lags();
            if (now) keep_lags(*std::move(now));
            const std::scoped_lock again(mutex_);
            lags_asking_ = false;
        });
    }
    return last_lags_;
}

// To the dead letters first: a crash behind it repeats the letter, which counts once, as its place
// in the store is the event's own place.
task<result<void>> kafka_event_log::bury(delivery what, kafka_record record, error cause,
                                         int attempts) {
    const auto& topic = what.message.topic;
    STOA_CO_TRY(const int count, publisher_.partitions_of(topic + ".dlq"));
    if (what.partition < 0 || what.partition >= count) co_return unknown(topic);
    parked_letter one{.group = what.group,
                      .topic = topic,
                      .key = what.message.key,
                      .event_id = what.message.id,
                      .partition = what.partition,
                      .offset = what.offset,
                      .letter_offset = -1,
                      .code = cause.code,
                      .detail = cause.detail,
                      .attempts = attempts,
                      .at = time_.now()};
    STOA_CO_TRY(const bool there,
                co_await parking_.has(one.group, one.topic, one.key, one.partition, one.offset));
    if (there) co_return co_await parking_.again(std::move(one));
    record.topic = cluster_.broker_name(topic + ".dlq");
    record.partition = what.partition;
    add_origin(record, {.group = what.group,
                        .code = cause.code,
                        .detail = cause.detail,
                        .attempts = attempts,
                        .partition = what.partition,
                        .offset = what.offset,
                        .at = one.at});
    std::vector<kafka_record> records;
    records.push_back(std::move(record));
    STOA_CO_TRY(const auto offsets, co_await publisher_.producer().send(std::move(records)));
    one.letter_offset = offsets.front();
    co_return co_await parking_.add(std::move(one));
}

task<result<void>> kafka_event_log::park(delivery what, error cause, int attempts) {
    if (!cluster_.declared(what.message.topic + ".dlq")) co_return unknown(what.message.topic);
    auto record = record_of(what.message, {}, what.partition);
    co_return co_await bury(std::move(what), std::move(record), std::move(cause), attempts);
}

task<result<void>> kafka_event_log::park_ill_formed(delivery what, kafka_record as_it_came,
                                                    std::string wrong) {
    // A key that is no text has no events behind it, but is told apart from the empty one.
    if (what.message.key.empty()) what.message.key = as_it_came.key;
    log_error("event_dead_lettered", {{"group", what.group},
                                      {"topic", what.message.topic},
                                      {"partition", what.partition},
                                      {"offset", what.offset},
                                      {"code", "record_ill_formed"},
                                      {"detail", wrong}});
    co_return co_await bury(
        std::move(what), std::move(as_it_came),
        {.kind = errc::malformed, .code = "record_ill_formed", .detail = std::move(wrong)}, 1);
}

task<result<bool>> kafka_event_log::is_parked(std::string group, std::string topic,
                                              std::string key) {
    return parking_.parked(std::move(group), std::move(topic), std::move(key));
}

task<result<std::vector<parked_key>>> kafka_event_log::parked_keys(std::string group) {
    return parking_.keys(std::move(group));
}

task<result<std::vector<dead_letter>>> kafka_event_log::dead_letters(std::string group,
                                                                     std::string topic,
                                                                     std::string key, int max) {
    STOA_CO_TRY(const auto letters, co_await parking_.letters(group, topic, key, max));
    // Read in stretches of the topic: one by one each costs a fetch of its own.
    std::map<std::pair<int, std::int64_t>, delivery> kept;
    std::map<int, std::set<std::int64_t>> wanted;
    for (const auto& each : letters) wanted[each.partition].insert(each.letter_offset);
    for (auto& [partition, offsets] : wanted) {
        while (!offsets.empty()) {
            const auto first = *offsets.begin();
            STOA_CO_TRY(auto stretch,
                        co_await read(topic + ".dlq", partition, first, letters_read));
            for (auto& each : stretch)
                if (offsets.erase(each.offset) > 0)
                    kept[{partition, each.offset}] = std::move(each);
            offsets.erase(first);  // one that is gone is told below
        }
    }
    std::vector<dead_letter> out;
    for (const auto& each : letters) {
        const auto found = kept.find({each.partition, each.letter_offset});
        if (found == kept.end() || found->second.message.id != each.event_id)
            co_return fail(errc::not_found, "dead_letter_gone",
                           topic + ".dlq has no event " + each.event_id + " at offset " +
                               std::to_string(each.letter_offset) + " of partition " +
                               std::to_string(each.partition) +
                               ": was the topic emptied? Its retention must be unlimited");
        auto& made = out.emplace_back(dead_letter{.what = found->second,
                                                  .code = each.code,
                                                  .detail = each.detail,
                                                  .attempts = each.attempts,
                                                  .at = each.at});
        made.what.group = group;
        made.what.message.topic = topic;
        made.what.offset = each.offset;
        made.what.redriven = true;
    }
    co_return out;
}

task<result<void>> kafka_event_log::redriven(delivery what) {
    return parking_.forget(std::move(what.group), std::move(what.message.topic),
                           std::move(what.message.key), what.partition, what.offset);
}

}  // namespace stoa
