#include "adapters/kafka/kafka_copy.hpp"

#include <array>
#include <chrono>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;
using admin_options =
    std::unique_ptr<rd_kafka_AdminOptions_t, destroyed_by<rd_kafka_AdminOptions_destroy>>;

// Brokers that say nothing for so long are gone.
constexpr milliseconds silence{30'000};

int ms(milliseconds m) { return static_cast<int>(m.count()); }

rd_kafka_vu_t memory_part(rd_kafka_vtype_t type, std::string& text) {
    rd_kafka_vu_t out{.vtype = type};
    out.u.mem.ptr = text.empty() ? nullptr : text.data();
    out.u.mem.size = text.size();
    return out;
}

// The record is copied. Headers that were not taken stay the caller's.
rd_kafka_resp_err_t produce(rd_kafka_t* with, kafka_record& one, rd_kafka_headers_t* headers,
                            timestamp accepted_at) {
    std::array<rd_kafka_vu_t, 7> parts{};
    parts[0].vtype = RD_KAFKA_VTYPE_TOPIC;
    parts[0].u.cstr = one.topic.c_str();
    parts[1].vtype = RD_KAFKA_VTYPE_PARTITION;
    parts[1].u.i32 = one.partition;
    parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[2].u.i = RD_KAFKA_MSG_F_COPY;
    parts[3] = memory_part(RD_KAFKA_VTYPE_KEY, one.key);
    parts[4] = memory_part(RD_KAFKA_VTYPE_VALUE, one.value);
    parts[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
    parts[5].u.i64 = accepted_at.micros / 1'000;
    parts[6].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[6].u.headers = headers;
    auto* refused = rd_kafka_produceva(with, parts.data(), parts.size());
    if (!refused) return RD_KAFKA_RESP_ERR_NO_ERROR;
    const auto code = rd_kafka_error_code(refused);
    rd_kafka_error_destroy(refused);
    return code;
}

}  // namespace

kafka_copy::kafka_copy(kafka_options options)
    : options_(std::move(options)),
      cluster_(options_),
      reading_{.troubles = cluster_.troubles()},
      writing_{.troubles = cluster_.troubles()} {
    writing_.delivered = [this](const rd_kafka_message_t& message) {
        if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) wrong_ = message.err;
    };
}

kafka_copy::~kafka_copy() {
    if (!producer_) return;
    rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(producer_.get()) > 0) rd_kafka_poll(producer_.get(), 50);
}

result<std::unique_ptr<kafka_copy>> kafka_copy::open(kafka_options options) {
    STOA_TRY_VOID(check(options));
    std::unique_ptr<kafka_copy> out(new kafka_copy(std::move(options)));
    STOA_TRY_VOID(out->cluster_.open());
    STOA_TRY_VOID(out->cluster_.look(out->options_.first_contact));
    auto properties = client_properties(out->options_);
    const auto set = [&](const char* name, std::string value) {
        properties.emplace_back(name, std::move(value));
    };
    set("fetch.wait.max.ms", "50");
    set("fetch.error.backoff.ms", "50");
    set("queued.max.messages.kbytes", "16384");
    set("allow.auto.create.topics", "false");
    STOA_TRY(out->reader_, open_handle(RD_KAFKA_CONSUMER, properties, out->reading_));
    return out;
}

result<void> kafka_copy::walk(const std::string& topic, int partition, std::int64_t from,
                              std::int64_t until,
                              const std::function<result<void>(kafka_kept)>& sink) {
    STOA_TRY(const auto kept, cluster_.position(topic, partition));
    auto next = std::max(from, kept.first);
    until = std::min(until, kept.end);
    if (next >= until) return {};
    const topic_handle handle(
        rd_kafka_topic_new(reader_.get(), cluster_.broker_name(topic).c_str(), nullptr));
    if (!handle || rd_kafka_consume_start(handle.get(), partition, next) != 0)
        return fail(told(rd_kafka_last_error(), topic + " cannot be read"));
    // Stopped before its handle goes.
    const std::shared_ptr<void> stop(
        nullptr, [&](void*) { rd_kafka_consume_stop(handle.get(), partition); });
    for (auto heard = steady::now(); next < until;) {
        const kafka_message one(rd_kafka_consume(handle.get(), partition, 100));
        rd_kafka_poll(reader_.get(), 0);
        if (one && one->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            heard = steady::now();
            next = one->offset + 1;
            if (one->offset >= until) break;
            auto read = read_record(*one, {}, topic);
            STOA_TRY_VOID(sink({std::move(read.what),
                                {rd_kafka_message_timestamp(one.get(), nullptr) * 1'000},
                                std::move(read.wrong)}));
        } else if (one && one->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            return fail(told(one->err, topic + " cannot be read"));
        } else if (steady::now() - heard > silence) {
            return fail(told(RD_KAFKA_RESP_ERR__TIMED_OUT, topic + " cannot be read"));
        }
    }
    return {};
}

result<void> kafka_copy::open_producer() {
    auto properties = client_properties(options_);
    const auto set = [&](const char* name, std::string value) {
        properties.emplace_back(name, std::move(value));
    };
    set("enable.idempotence", "true");
    set("enable.gapless.guarantee", "true");
    set("acks", "all");
    set("linger.ms", "20");
    set("batch.size", "1000000");
    set("message.timeout.ms", std::to_string(silence.count()));
    set("message.max.bytes", std::to_string(largest_kafka_record + 100'000));
    set("queue.buffering.max.kbytes", "65536");
    STOA_TRY(producer_, open_handle(RD_KAFKA_PRODUCER, properties, writing_));
    return {};
}

result<void> kafka_copy::put(const event& what, int partition, timestamp accepted_at) {
    if (!producer_) STOA_TRY_VOID(open_producer());
    auto record = record_of(what, cluster_.broker_name(what.topic), partition);
    for (const auto until = steady::now() + silence;;) {
        if (const auto code = wrong_.load(); code != RD_KAFKA_RESP_ERR_NO_ERROR)
            return fail(told(code, what.topic + " was not written"));
        auto* headers = rd_kafka_headers_new(record.headers.size());
        for (const auto& [name, value] : record.headers)
            rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()),
                                value.data(), static_cast<ssize_t>(value.size()));
        const auto code = produce(producer_.get(), record, headers, accepted_at);
        rd_kafka_poll(producer_.get(), 0);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
        rd_kafka_headers_destroy(headers);
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || steady::now() > until)
            return fail(told(code, what.topic + " was not written"));
        rd_kafka_poll(producer_.get(), 100);
    }
}

result<void> kafka_copy::settle() {
    if (!producer_) return {};
    // Each message ends by itself within its time.
    while (rd_kafka_outq_len(producer_.get()) > 0) rd_kafka_poll(producer_.get(), 50);
    if (const auto code = wrong_.load(); code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fail(told(code, "events were not acknowledged"));
    return {};
}

result<void> kafka_copy::trim(const std::string& topic, int partition, std::int64_t first) {
    const auto list = new_partitions(1);
    rd_kafka_topic_partition_list_add(list.get(), cluster_.broker_name(topic).c_str(), partition)
        ->offset = first;
    auto* question = rd_kafka_DeleteRecords_new(list.get());
    const admin_options options(
        rd_kafka_AdminOptions_new(reader_.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS));
    std::array<char, 512> text{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), ms(silence), text.data(), text.size());
    const kafka_queue answers(rd_kafka_queue_new(reader_.get()));
    rd_kafka_DeleteRecords(reader_.get(), &question, 1, options.get(), answers.get());
    rd_kafka_DeleteRecords_destroy(question);
    const kafka_event answer(rd_kafka_queue_poll(answers.get(), ms(silence)));
    const auto what = "the beginning of " + topic + " was not taken away";
    if (!answer) return fail(told(RD_KAFKA_RESP_ERR__TIMED_OUT, what));
    if (const auto code = rd_kafka_event_error(answer.get())) return fail(told(code, what));
    const auto* outcome =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(answer.get()));
    for (int i = 0; outcome && i < outcome->cnt; ++i)
        if (outcome->elems[i].err) return fail(told(outcome->elems[i].err, what));
    return {};
}

result<void> kafka_copy::place(const std::string& group,
                               const std::map<std::pair<std::string, int>, std::int64_t>& next) {
    const auto list = new_partitions(static_cast<int>(next.size()));
    for (const auto& [where, offset] : next)
        rd_kafka_topic_partition_list_add(list.get(), cluster_.broker_name(where.first).c_str(),
                                          where.second)
            ->offset = offset;
    auto* question =
        rd_kafka_AlterConsumerGroupOffsets_new((options_.prefix + group).c_str(), list.get());
    const admin_options options(
        rd_kafka_AdminOptions_new(reader_.get(), RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS));
    std::array<char, 512> text{};
    rd_kafka_AdminOptions_set_request_timeout(options.get(), ms(silence), text.data(), text.size());
    const kafka_queue answers(rd_kafka_queue_new(reader_.get()));
    rd_kafka_AlterConsumerGroupOffsets(reader_.get(), &question, 1, options.get(), answers.get());
    rd_kafka_AlterConsumerGroupOffsets_destroy(question);
    const kafka_event answer(rd_kafka_queue_poll(answers.get(), ms(silence)));
    const auto what = "the place of group " + group + " was not set";
    if (!answer) return fail(told(RD_KAFKA_RESP_ERR__TIMED_OUT, what));
    if (const auto code = rd_kafka_event_error(answer.get())) return fail(told(code, what));
    std::size_t count = 0;
    const auto** groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(answer.get()), &count);
    for (std::size_t g = 0; g < count; ++g) {
        if (const auto* why = rd_kafka_group_result_error(groups[g]))
            return fail(told(rd_kafka_error_code(why), what));
        const auto* set = rd_kafka_group_result_partitions(groups[g]);
        for (int i = 0; set && i < set->cnt; ++i)
            if (set->elems[i].err) return fail(told(set->elems[i].err, what));
    }
    return {};
}

}  // namespace stoa
