#include "adapters/kafka/kafka_producer.hpp"

#include "runtime/log.hpp"

#include <array>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;

constexpr int poll_ms = 100;

rd_kafka_vu_t topic_part(const kafka_record& one) {
    rd_kafka_vu_t out{.vtype = RD_KAFKA_VTYPE_TOPIC};
    out.u.cstr = one.topic.c_str();
    return out;
}
rd_kafka_vu_t partition_part(const kafka_record& one) {
    rd_kafka_vu_t out{.vtype = RD_KAFKA_VTYPE_PARTITION};
    out.u.i32 = one.partition;
    return out;
}
rd_kafka_vu_t memory_part(rd_kafka_vtype_t type, std::string& text) {
    rd_kafka_vu_t out{.vtype = type};
    // Nothing stays nothing: a record without a value is another than one with an empty value.
    out.u.mem.ptr = text.empty() ? nullptr : text.data();
    out.u.mem.size = text.size();
    return out;
}
rd_kafka_vu_t headers_part(rd_kafka_headers_t* headers) {
    rd_kafka_vu_t out{.vtype = RD_KAFKA_VTYPE_HEADERS};
    out.u.headers = headers;
    return out;
}
rd_kafka_vu_t opaque_part(void* opaque) {
    rd_kafka_vu_t out{.vtype = RD_KAFKA_VTYPE_OPAQUE};
    out.u.ptr = opaque;
    return out;
}

// The payload is not copied: the batch keeps it until the answer.
rd_kafka_resp_err_t produce(rd_kafka_t* with, kafka_record& one, void* opaque) {
    auto* headers = rd_kafka_headers_new(one.headers.size());
    for (const auto& [name, value] : one.headers)
        rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                            static_cast<ssize_t>(value.size()));
    const std::array parts{topic_part(one),
                           partition_part(one),
                           memory_part(RD_KAFKA_VTYPE_KEY, one.key),
                           memory_part(RD_KAFKA_VTYPE_VALUE, one.value),
                           headers_part(headers),
                           opaque_part(opaque)};
    auto* refused = rd_kafka_produceva(with, parts.data(), parts.size());
    if (!refused) return RD_KAFKA_RESP_ERR_NO_ERROR;
    const auto code = rd_kafka_error_code(refused);
    rd_kafka_error_destroy(refused);
    rd_kafka_headers_destroy(headers);
    return code;
}

}  // namespace

// Lives until every record of it was answered for. Only the poll thread and begin() touch it, and
// they meet in `left`.
struct kafka_producer::batch {
    std::vector<kafka_record> records;
    std::vector<slot> slots;
    std::vector<std::int64_t> offsets;
    std::atomic<std::size_t> left{0};
    std::atomic<rd_kafka_resp_err_t> wrong{RD_KAFKA_RESP_ERR_NO_ERROR};
    std::shared_ptr<batch> self;
    std::move_only_function<void(result<std::vector<std::int64_t>>)> answer;

    void one_less() {
        if (--left > 0) return;
        const auto keep = std::move(self);
        if (const auto code = wrong.load(); code != RD_KAFKA_RESP_ERR_NO_ERROR)
            answer(std::unexpected(told(code, "events were not acknowledged")));
        else answer(std::move(offsets));
    }
};

kafka_producer::kafka_producer(const kafka_options& options, kafka_troubles& troubles)
    : options_(options), troubles_(troubles), callbacks_{.troubles = troubles_} {
    callbacks_.delivered = [this](const rd_kafka_message_t& message) { delivered(message); };
}

kafka_producer::~kafka_producer() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

result<kafka_handle> kafka_producer::make() {
    auto properties = client_properties(options_);
    const auto set = [&](const char* name, std::string value) {
        properties.emplace_back(name, std::move(value));
    };
    set("enable.idempotence", "true");
    set("acks", "all");
    // What cannot be delivered takes down what stands behind it (and this handle): otherwise a
    // later event of a key could arrive alone. librdkafka's own time limit is a message's, so that
    // the next one could still be sent: ours is the batch's (too_old()).
    set("enable.gapless.guarantee", "true");
    set("message.timeout.ms", "0");
    set("request.timeout.ms", std::to_string(options_.deliver_within.count() / 2));
    set("retry.backoff.ms", "50");
    set("linger.ms", "1");
    set("message.max.bytes", std::to_string(largest_kafka_record + 100'000));
    set("queue.buffering.max.messages", std::to_string(2 * options_.events_in_flight));
    return open_handle(RD_KAFKA_PRODUCER, properties, callbacks_);
}

result<void> kafka_producer::open() {
    STOA_TRY(handle_, make());
    thread_ = std::jthread([this] { poll(); });
    return {};
}

void kafka_producer::know(std::vector<std::string> topics) {
    const std::scoped_lock lock(mutex_);
    topics_ = std::move(topics);
    hear_of_topics();
}

void kafka_producer::hear_of_topics() {
    known_.clear();
    for (const auto& each : topics_)
        if (auto* made = rd_kafka_topic_new(handle_.get(), each.c_str(), nullptr))
            known_.emplace_back(made);
}

task<result<std::vector<std::int64_t>>> kafka_producer::send(std::vector<kafka_record> records) {
    if (records.empty()) co_return std::vector<std::int64_t>{};
    for (const auto& each : records)
        if (size_of(each) > largest_kafka_record)
            co_return fail(errc::too_large, "event_too_large",
                           "an event for " + each.topic + " has " + std::to_string(size_of(each)) +
                               " bytes; " + std::to_string(largest_kafka_record) + " are allowed");
    const int count = static_cast<int>(records.size());
    if (in_flight_.fetch_add(count) + count > options_.events_in_flight) {
        in_flight_ -= count;
        co_return fail(errc::unavailable, "kafka_overloaded",
                       "too many events wait for Kafka's acknowledgement");
    }
    auto one = std::make_shared<batch>();
    one->records = std::move(records);
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                            void(result<std::vector<std::int64_t>>)>(
        [this](auto handler, std::shared_ptr<batch> made) {
            auto where = asio::get_associated_executor(handler);
            made->answer = [this, where, busy = asio::make_work_guard(where),
                            n = static_cast<int>(made->records.size()),
                            handler = std::make_shared<decltype(handler)>(std::move(handler))](
                               result<std::vector<std::int64_t>> outcome) {
                in_flight_ -= n;
                asio::post(where, [handler, o = std::move(outcome)]() mutable {
                    (*handler)(std::move(o));
                });
            };
            begin(std::move(made));
        },
        use_task, std::move(one));
}

void kafka_producer::begin(std::shared_ptr<batch> one) {
    const auto n = one->records.size();
    one->slots.reserve(n);
    one->offsets.resize(n);
    one->left = n + 1;  // and one for this function, so that it ends after all were queued
    one->self = one;
    std::size_t queued = 0;
    {
        const std::scoped_lock lock(mutex_);
        under_way_.emplace_back(steady::now(), one);
        for (; queued < n; ++queued) {
            one->slots.push_back({one.get(), queued});
            const auto code = handle_
                                  ? produce(handle_.get(), one->records[queued], &one->slots.back())
                                  : RD_KAFKA_RESP_ERR__DESTROY;
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
            one->wrong = code;
            break;
        }
    }
    for (; queued < n; ++queued) one->one_less();
    one->one_less();
}

void kafka_producer::delivered(const rd_kafka_message_t& message) {
    const auto& where = *static_cast<slot*>(message._private);
    if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) where.of->offsets[where.index] = message.offset;
    else where.of->wrong = message.err;
    where.of->one_less();
}

void kafka_producer::poll() {
    while (!stopping_) {
        rd_kafka_poll(handle_.get(), poll_ms);  // only this thread replaces it
        std::array<char, 512> why{"events were not acknowledged in time"};
        const auto fatal = rd_kafka_fatal_error(handle_.get(), why.data(), why.size());
        if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR || too_old()) replace(why.data());
    }
    kafka_handle old;
    {
        const std::scoped_lock lock(mutex_);
        known_.clear();
        old = std::move(handle_);
    }
    rd_kafka_purge(old.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(old.get()) > 0) rd_kafka_poll(old.get(), poll_ms);
}

// Whether a batch has waited for longer than it may.
bool kafka_producer::too_old() {
    const std::scoped_lock lock(mutex_);
    while (!under_way_.empty() && under_way_.front().second.expired()) under_way_.pop_front();
    return !under_way_.empty() &&
           steady::now() - under_way_.front().first > options_.deliver_within;
}

// After a fatal error (an event that was refused, a producer id that the brokers do not know any
// more) the handle refuses everything; after a delay that is too long, nobody waits for what it
// holds. What waits in it fails; a new one takes over.
void kafka_producer::replace(const char* why) {
    auto made = make();
    if (!made) {  // the same properties did once
        log_error("kafka_producer_cannot_restart", {{"why", made.error().detail}});
        return;
    }
    log_warning("kafka_producer_restarts", {{"why", why}});
    kafka_handle old;
    {
        const std::scoped_lock lock(mutex_);
        known_.clear();
        old = std::exchange(handle_, *std::move(made));
        under_way_.clear();
        hear_of_topics();
    }
    rd_kafka_purge(old.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (rd_kafka_outq_len(old.get()) > 0) rd_kafka_poll(old.get(), poll_ms);
}

}  // namespace stoa
