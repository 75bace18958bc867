#include "adapters/kafka/kafka_cluster.hpp"

#include "runtime/log.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;
using metadata_ptr =
    std::unique_ptr<const struct rd_kafka_metadata, destroyed_by<rd_kafka_metadata_destroy>>;
using admin_options =
    std::unique_ptr<rd_kafka_AdminOptions_t, destroyed_by<rd_kafka_AdminOptions_destroy>>;
using new_topic = std::unique_ptr<rd_kafka_NewTopic_t, destroyed_by<rd_kafka_NewTopic_destroy>>;

int ms(milliseconds m) { return static_cast<int>(m.count()); }

bool connects(const addrinfo& to, milliseconds within) {
    const int fd = socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool out = connect(fd, to.ai_addr, to.ai_addrlen) == 0;
    if (!out && errno == EINPROGRESS) {
        pollfd waits{.fd = fd, .events = POLLOUT, .revents = 0};
        int wrong = 0;
        socklen_t size = sizeof wrong;
        out = ::poll(&waits, 1, ms(within)) == 1 &&
              getsockopt(fd, SOL_SOCKET, SO_ERROR, &wrong, &size) == 0 && wrong == 0;
    }
    close(fd);
    return out;
}

// A topic that was just made, or whose partitions move: the brokers are not of one mind yet.
bool about_leaders(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
           code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
}

std::string text_of(const host_port& where) {
    return where.host + ":" + std::to_string(where.port);
}

}  // namespace

bool takes_connections(const host_port& where, milliseconds within) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found) != 0)
        return false;
    const std::unique_ptr<addrinfo, destroyed_by<freeaddrinfo>> all(found);
    for (const auto* each = found; each; each = each->ai_next)
        if (connects(*each, within)) return true;
    return false;
}

kafka_cluster::kafka_cluster(const kafka_options& options)
    : options_(options), troubles_(options), callbacks_{.troubles = troubles_} {
    for (const auto& spec : options.topics) {
        const std::string name(spec.name);
        topics_[name] = {
            .name = name, .wanted = spec.partitions, .keep = spec.keep, .dead_letters = false};
        if (!options.dead_letters) continue;
        topics_[name + ".dlq"] = {.name = name + ".dlq",
                                  .wanted = spec.partitions,
                                  .keep = hours(0),
                                  .dead_letters = true};
    }
}

result<void> kafka_cluster::open() {
    auto properties = client_properties(options_);
    properties.emplace_back("fetch.wait.max.ms", "100");
    properties.emplace_back("fetch.error.backoff.ms", "50");
    properties.emplace_back("queued.max.messages.kbytes", "8192");
    properties.emplace_back("allow.auto.create.topics", "false");
    STOA_TRY(handle_, open_handle(RD_KAFKA_CONSUMER, properties, callbacks_));
    return {};
}

std::optional<int> kafka_cluster::partitions(std::string_view topic) const {
    const std::scoped_lock lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end() || found->second.partitions == 0) return {};
    return found->second.partitions;
}

std::vector<std::string> kafka_cluster::broker_names() const {
    std::vector<std::string> out;
    for (const auto& [name, topic] : topics_) out.push_back(broker_name(name));
    return out;
}

// Where nobody answered as Kafka: is there somebody at all?
error kafka_cluster::unheard() const {
    const auto addresses = read_addresses(options_.brokers);
    std::string taken;
    for (const auto& each : *addresses)
        if (takes_connections(each, milliseconds(1'000))) taken = text_of(each);
    if (taken.empty()) return troubles_.told("no broker answers");
    return troubles_.told(taken +
                          " takes connections but does not answer as a broker that speaks " +
                          options_.protocol);
}

result<std::map<std::string, kafka_cluster::seen_topic>> kafka_cluster::ask_metadata(
    milliseconds within, std::vector<host_port>* brokers) {
    const struct rd_kafka_metadata* raw = nullptr;
    const auto code = rd_kafka_metadata(handle_.get(), 1, nullptr, &raw, ms(within));
    rd_kafka_poll(handle_.get(), 0);  // tells the troubles
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        const auto kind = troubles_.kind();
        if (kind == kafka_troubles::about::authentication ||
            kind == kafka_troubles::about::certificate)
            return fail(troubles_.told("the broker does not let us in"));
        return fail(unheard());
    }
    const metadata_ptr found(raw);
    std::map<std::string, seen_topic> out;
    for (int i = 0; i < found->topic_cnt; ++i)
        out[found->topics[i].topic] = {found->topics[i].partition_cnt};
    if (brokers)
        for (int i = 0; i < found->broker_cnt; ++i)
            brokers->push_back({found->brokers[i].host, found->brokers[i].port});
    return out;
}

result<void> kafka_cluster::compare(const std::map<std::string, seen_topic>& seen) {
    std::string missing;
    for (auto& [name, topic] : topics_) {
        const auto found = seen.find(broker_name(name));
        if (found == seen.end()) {
            missing += (missing.empty() ? "" : ", ") + broker_name(name);
            continue;
        }
        if (found->second.partitions < topic.wanted)
            return fail(errc::conflict, "topic_partitions",
                        "topic " + broker_name(name) + " has " +
                            std::to_string(found->second.partitions) + " partitions and needs " +
                            std::to_string(topic.wanted) +
                            ": let its consumers finish, stop the shop, and add partitions with "
                            "Kafka's own tool (kafka-topics --alter --partitions " +
                            std::to_string(topic.wanted) + ")");
        const std::scoped_lock lock(mutex_);
        // What changes while we run is looked at when we start again: keys would move.
        if (topic.partitions == 0) topic.partitions = found->second.partitions;
    }
    if (!missing.empty())
        return fail(errc::not_found, "topic_missing",
                    "Kafka at " + options_.brokers + " has no topic " + missing +
                        ": run `stoa migrate`, which makes them");
    return {};
}

result<void> kafka_cluster::look(milliseconds within) {
    troubles_.clear();
    std::vector<host_port> brokers;
    STOA_TRY(const auto seen, ask_metadata(within, &brokers));
    std::string deaf;
    for (const auto& each : brokers) {
        if (takes_connections(each, milliseconds(2'000))) {
            deaf.clear();
            break;
        }
        deaf += (deaf.empty() ? "" : ", ") + text_of(each);
    }
    if (!deaf.empty())
        return fail(errc::unavailable, "kafka_advertised_listener",
                    "the broker at " + options_.brokers + " says it is reached at " + deaf +
                        ", which does not answer: set advertised.listeners of that listener to an "
                        "address that is reached from here, or KAFKA_BOOTSTRAP_SERVERS to the "
                        "listener that is meant for here");
    return compare(seen);
}

result<void> kafka_cluster::create(const std::vector<const kafka_topic*>& missing) {
    std::vector<new_topic> made;
    std::vector<rd_kafka_NewTopic_t*> raw;
    std::array<char, 512> text{};
    for (const auto* each : missing) {
        auto* one = rd_kafka_NewTopic_new(broker_name(each->name).c_str(), each->wanted,
                                          options_.replication, text.data(), text.size());
        if (!one) return fail(errc::invalid, "topic", text.data());
        made.emplace_back(one);
        raw.push_back(one);
        const auto kept = each->keep > hours(0) ? milliseconds(each->keep).count() : -1;
        rd_kafka_NewTopic_set_config(one, "retention.ms", std::to_string(kept).c_str());
        rd_kafka_NewTopic_set_config(one, "cleanup.policy", "delete");
        rd_kafka_NewTopic_set_config(one, "min.insync.replicas",
                                     std::to_string(options_.min_insync).c_str());
        if (each->dead_letters)
            rd_kafka_NewTopic_set_config(one, "max.message.bytes",
                                         std::to_string(largest_kafka_record + 100'000).c_str());
    }
    const admin_options options(
        rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), ms(options_.ask_within) * 2,
                                                text.data(), text.size());
    rd_kafka_AdminOptions_set_request_timeout(options.get(), ms(options_.ask_within) * 4,
                                              text.data(), text.size());
    const kafka_queue answers(rd_kafka_queue_new(handle_.get()));
    rd_kafka_CreateTopics(handle_.get(), raw.data(), raw.size(), options.get(), answers.get());
    const kafka_event answer(rd_kafka_queue_poll(answers.get(), ms(options_.ask_within) * 5));
    if (!answer) return fail(told(RD_KAFKA_RESP_ERR__TIMED_OUT, "topics were not made"));
    if (const auto code = rd_kafka_event_error(answer.get()))
        return fail(told(code, "topics were not made"));
    const auto* outcome = rd_kafka_event_CreateTopics_result(answer.get());
    std::size_t count = 0;
    const auto** each = rd_kafka_CreateTopics_result_topics(outcome, &count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto code = rd_kafka_topic_result_error(each[i]);
        // Somebody else has made it meanwhile.
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        const char* why = rd_kafka_topic_result_error_string(each[i]);
        return fail(
            code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR ? errc::invalid
                                                                 : errc::unavailable,
            "topic_not_made",
            std::string("topic ") + rd_kafka_topic_result_name(each[i]) +
                " was not made: " + (why ? why : rd_kafka_err2str(code)) +
                (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR
                     ? " (set KAFKA_REPLICATION_FACTOR and KAFKA_MIN_INSYNC_REPLICAS to what the "
                       "cluster's brokers allow)"
                     : ""));
    }
    return {};
}

result<std::vector<std::string>> kafka_cluster::make_topics() {
    STOA_TRY(const auto seen, ask_metadata(options_.ask_within, nullptr));
    std::vector<const kafka_topic*> missing;
    std::vector<std::string> names;
    for (const auto& [name, topic] : topics_)
        if (!seen.contains(broker_name(name))) {
            missing.push_back(&topic);
            names.push_back(broker_name(name));
        }
    if (!missing.empty()) STOA_TRY_VOID(create(missing));
    // Brokers hear of new topics one after another.
    for (const auto until = steady::now() + 2 * options_.ask_within;;) {
        STOA_TRY(const auto now, ask_metadata(options_.ask_within, nullptr));
        const auto as_wanted = compare(now);
        if (as_wanted) return names;
        if (as_wanted.error().code != "topic_missing" || steady::now() > until)
            return fail(as_wanted.error());
        rd_kafka_poll(handle_.get(), 50);
    }
}

result<topic_position> kafka_cluster::position(const std::string& topic, int partition) {
    std::int64_t first = 0, end = 0;
    for (const auto until = steady::now() + options_.ask_within;;) {
        const auto code =
            rd_kafka_query_watermark_offsets(handle_.get(), broker_name(topic).c_str(), partition,
                                             &first, &end, ms(options_.ask_within));
        rd_kafka_poll(handle_.get(), 0);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return topic_position{topic, partition, first, end};
        if (!about_leaders(code) || steady::now() > until)
            return fail(told(code, "where " + topic + " begins and ends was not told"));
        rd_kafka_poll(handle_.get(), 20);
    }
}

result<std::vector<delivery>> kafka_cluster::read(const std::string& topic, int partition,
                                                  std::int64_t from, int max) {
    std::vector<delivery> out;
    STOA_TRY(const auto kept, position(topic, partition));
    auto next = std::max(from, kept.first);
    if (next >= kept.end || max < 1) return out;
    const topic_handle handle(
        rd_kafka_topic_new(handle_.get(), broker_name(topic).c_str(), nullptr));
    if (!handle || rd_kafka_consume_start(handle.get(), partition, next) != 0)
        return fail(told(rd_kafka_last_error(), topic + " cannot be read"));
    auto wrong = RD_KAFKA_RESP_ERR_NO_ERROR;
    const auto until = steady::now() + options_.ask_within;
    while (next < kept.end && std::ssize(out) < max) {
        const kafka_message one(rd_kafka_consume(handle.get(), partition, 100));
        if (one && one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            out.push_back(read_record(*one, {}, topic).what);
            next = one->offset + 1;
        } else if (one && one->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            wrong = one->err;
            break;
        } else if (steady::now() > until) {
            wrong = RD_KAFKA_RESP_ERR__TIMED_OUT;
            break;
        }
    }
    rd_kafka_consume_stop(handle.get(), partition);
    if (wrong != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(told(wrong, topic + " cannot be read"));
    return out;
}

result<std::map<std::pair<std::string, int>, std::int64_t>> kafka_cluster::committed(
    const std::string& group, const std::vector<std::string>& topics) {
    const auto list = new_partitions(8);
    for (const auto& topic : topics)
        for (int i = 0; i < partitions(topic).value_or(0); ++i)
            rd_kafka_topic_partition_list_add(list.get(), broker_name(topic).c_str(), i);
    auto* question =
        rd_kafka_ListConsumerGroupOffsets_new((options_.prefix + group).c_str(), list.get());
    const admin_options options(
        rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS));
    std::array<char, 512> text{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), ms(options_.ask_within), text.data(),
                                              text.size());
    const kafka_queue answers(rd_kafka_queue_new(handle_.get()));
    rd_kafka_ListConsumerGroupOffsets(handle_.get(), &question, 1, options.get(), answers.get());
    const kafka_event answer(rd_kafka_queue_poll(answers.get(), ms(options_.ask_within) * 2));
    rd_kafka_ListConsumerGroupOffsets_destroy(question);
    if (!answer) return fail(told(RD_KAFKA_RESP_ERR__TIMED_OUT, "offsets of group " + group));
    if (const auto code = rd_kafka_event_error(answer.get()))
        return fail(told(code, "offsets of group " + group));
    std::size_t count = 0;
    const auto** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
        rd_kafka_event_ListConsumerGroupOffsets_result(answer.get()), &count);
    std::map<std::pair<std::string, int>, std::int64_t> out;
    for (std::size_t g = 0; g < count; ++g) {
        const auto* found = rd_kafka_group_result_partitions(groups[g]);
        for (int i = 0; found && i < found->cnt; ++i)
            if (found->elems[i].offset >= 0)
                out[{std::string(found->elems[i].topic).substr(options_.prefix.size()),
                     found->elems[i].partition}] = found->elems[i].offset;
    }
    return out;
}

}  // namespace stoa
