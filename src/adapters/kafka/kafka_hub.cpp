#include "adapters/kafka/kafka_hub.hpp"

#include "runtime/log.hpp"

#include <algorithm>
#include <array>

namespace stoa {
namespace {

using steady = std::chrono::steady_clock;

constexpr int poll_ms = 50;
constexpr std::size_t most_at_once = 500;
constexpr milliseconds close_within{3'000}, commit_within{3'000}, longest_commit{1'000};

int ms(milliseconds m) { return static_cast<int>(m.count()); }

std::size_t size_of(const kafka_arrival& one) {
    return sizeof one + one.what.message.payload.size() + one.what.message.key.size();
}

}  // namespace

kafka_hub::kafka_hub(const kafka_options& options, kafka_troubles& troubles, std::string group,
                     std::vector<std::string> topics, std::function<bool()> may_begin,
                     std::function<void()> stop_waiting)
    : options_(options),
      callbacks_{.troubles = troubles},
      group_(std::move(group)),
      topics_(std::move(topics)),
      may_begin_(std::move(may_begin)),
      stop_waiting_(std::move(stop_waiting)) {
    callbacks_.rebalance = [this](auto code, auto* which) { rebalance(code, which); };
    callbacks_.committed = [this](auto code, auto* which) { committed(code, which); };
    thread_ = std::jthread([this] { run(); });
}

kafka_hub::~kafka_hub() {
    stopping_ = true;
    stop_waiting_();
    {
        const std::scoped_lock lock(mutex_);
        settled_.notify_all();
    }
    thread_.join();
}

void kafka_hub::add(kafka_bell& lane) {
    const std::scoped_lock lock(mutex_);
    if (std::ranges::find(bells_, &lane) == bells_.end()) bells_.push_back(&lane);
}
void kafka_hub::remove(kafka_bell& lane) {
    const std::scoped_lock lock(mutex_);
    std::erase(bells_, &lane);
}

kafka_taken kafka_hub::take(lane of, int max) {
    kafka_taken out;
    const std::scoped_lock lock(mutex_);
    auto at = shares_.begin();
    std::advance(at, shares_.empty() ? 0 : static_cast<std::ptrdiff_t>(turn_ % shares_.size()));
    for (std::size_t i = 0; i < shares_.size(); ++i, ++at) {
        if (at == shares_.end()) at = shares_.begin();
        auto& [where, share] = *at;
        if (where.second % of.of != of.index || share.handed_out || share.leaving ||
            share.rewind_to || share.waiting.empty())
            continue;
        out.topic = where.first;
        out.partition = where.second;
        share.handed_out = true;
        const auto pop = [&]() -> kafka_arrival {
            auto one = std::move(share.waiting.front());
            share.waiting.pop_front();
            share.waiting_bytes -= size_of(one);
            share.handed_end = one.what.offset + 1;
            return one;
        };
        if (!share.waiting.front().wrong.empty()) {
            out.ill_formed = pop();
        } else {
            while (std::ssize(out.events) < max && !share.waiting.empty() &&
                   share.waiting.front().wrong.empty())
                out.events.push_back(pop().what);
        }
        turn_ = (turn_ + i + 1) % shares_.size();
        break;
    }
    return out;
}

result<void> kafka_hub::done(const std::string& topic, int partition, std::int64_t next_offset) {
    const std::scoped_lock lock(mutex_);
    const auto found = shares_.find({topic, partition});
    if (found == shares_.end()) return {};
    auto& share = found->second;
    if (next_offset > std::max(share.fetched, share.next))
        return fail(errc::invalid, "offset_past_end",
                    "partition " + std::to_string(partition) + " of " + topic + " is known up to " +
                        std::to_string(share.fetched));
    share.next = std::max(share.next, next_offset);
    // A batch that is done in part comes again from there.
    if (share.handed_out && share.next < share.handed_end) {
        share.rewind_to = share.next;
        share.waiting.clear();
        share.waiting_bytes = 0;
    }
    while (!share.waiting.empty() && share.waiting.front().what.offset < share.next) {
        share.waiting_bytes -= size_of(share.waiting.front());
        share.waiting.pop_front();
    }
    share.handed_out = false;
    if (share.leaving) settled_.notify_all();
    return {};
}

std::vector<kafka_hub::progress> kafka_hub::owned() const {
    std::vector<progress> out;
    const std::scoped_lock lock(mutex_);
    for (const auto& [where, share] : shares_)
        out.push_back({where.first, where.second, share.next, share.leaving});
    return out;
}

kafka_hub::place kafka_hub::place_of(const rd_kafka_topic_partition_t& of) const {
    return {std::string(of.topic).substr(options_.prefix.size()), of.partition};
}

// --- the hub's thread

void kafka_hub::run() {
    milliseconds wait{100};
    while (may_begin_() && !stopping()) {
        const auto began = steady::now();
        auto joined = join();
        if (joined) {
            handle_ = *std::move(joined);
            poll_until_broken();
            leave();
        } else {
            log_error("kafka_group_not_joined",
                      {{"group", group_}, {"detail", joined.error().detail}});
        }
        // A member that is thrown out at once waits longer each time: two processes with one
        // instance id would chase each other.
        wait = steady::now() - began > seconds(30) ? milliseconds(100)
                                                   : std::min(wait * 2, milliseconds(5'000));
        std::unique_lock lock(mutex_);
        settled_.wait_for(lock, wait, [this] { return stopping(); });
    }
}

result<kafka_handle> kafka_hub::join() {
    auto properties = client_properties(options_);
    const auto set = [&](const char* name, std::string value) {
        properties.emplace_back(name, std::move(value));
    };
    set("group.id", options_.prefix + group_);
    if (!options_.instance_id.empty()) set("group.instance.id", options_.instance_id);
    set("partition.assignment.strategy", "cooperative-sticky");
    set("session.timeout.ms", std::to_string(options_.session.count()));
    // How soon a member hears that others come or go; a group waits for the last of them.
    set("heartbeat.interval.ms", std::to_string(options_.session.count() / 6));
    set("auto.offset.reset", "earliest");
    set("enable.auto.commit", "false");
    set("enable.auto.offset.store", "false");
    set("allow.auto.create.topics", "false");
    set("fetch.error.backoff.ms", "50");
    set("queued.min.messages", std::to_string(options_.waiting_events));
    set("queued.max.messages.kbytes", std::to_string(options_.waiting_bytes / 1024 * 2));
    set("max.partition.fetch.bytes", std::to_string(options_.waiting_bytes / 4));
    callbacks_.joining = false;
    STOA_TRY(auto made, open_handle(RD_KAFKA_CONSUMER, properties, callbacks_));
    rd_kafka_poll_set_consumer(made.get());
    const auto list = new_partitions(static_cast<int>(topics_.size()));
    for (const auto& topic : topics_)
        rd_kafka_topic_partition_list_add(list.get(), (options_.prefix + topic).c_str(),
                                          RD_KAFKA_PARTITION_UA);
    if (const auto code = rd_kafka_subscribe(made.get(), list.get()))
        return fail(told(code, "group " + group_ + " cannot be joined"));
    return made;
}

void kafka_hub::poll_until_broken() {
    last_commit_ = steady::now();
    while (!stopping()) {
        kafka_message one(rd_kafka_consumer_poll(handle_.get(), poll_ms));
        for (; one; one.reset(rd_kafka_consumer_poll(handle_.get(), 0))) {
            if (one->err == RD_KAFKA_RESP_ERR_NO_ERROR) polled_.push_back(std::move(one));
            else
                log_warning("kafka_consumer_waits",
                            {{"group", group_},
                             {"why", std::string_view(rd_kafka_message_errstr(one.get()))}});
            if (polled_.size() >= most_at_once) break;
        }
        if (!polled_.empty()) accept(std::exchange(polled_, {}));
        rewind();
        pause_and_resume();
        if (!callbacks_.joining &&
            steady::now() - last_commit_ >= std::min(options_.commit_every, longest_commit))
            commit(false, nullptr);
        std::array<char, 512> text{};
        if (rd_kafka_fatal_error(handle_.get(), text.data(), text.size()) !=
            RD_KAFKA_RESP_ERR_NO_ERROR) {
            log_error("kafka_member_replaced",
                      {{"group", group_},
                       {"instance_id", options_.instance_id},
                       {"why", std::string_view(text.data())},
                       {"hint", "KAFKA_GROUP_INSTANCE_ID must be another in every process"}});
            return;
        }
    }
}

void kafka_hub::accept(std::vector<kafka_message> messages) {
    std::vector<std::pair<place, kafka_arrival>> read;
    read.reserve(messages.size());
    for (const auto& each : messages) {
        auto topic = std::string(rd_kafka_topic_name(each->rkt)).substr(options_.prefix.size());
        auto one = read_record(*each, group_, topic);
        read.emplace_back(place{std::move(topic), each->partition}, std::move(one));
    }
    const std::scoped_lock lock(mutex_);
    bool any = false;
    for (auto& [where, one] : read) {
        const auto found = shares_.find(where);
        if (found == shares_.end()) continue;
        auto& share = found->second;
        const auto offset = one.what.offset;
        if (share.rewind_to || offset < share.fetched || offset < share.next) continue;
        share.fetched = offset + 1;
        share.waiting_bytes += size_of(one);
        share.waiting.push_back(std::move(one));
        any = true;
    }
    if (any)
        for (auto* each : bells_) each->ring();
}

void kafka_hub::pause_and_resume() {
    const auto stop = new_partitions(4), go = new_partitions(4);
    {
        const std::scoped_lock lock(mutex_);
        const auto most = static_cast<std::size_t>(options_.waiting_events);
        const auto bytes = static_cast<std::size_t>(options_.waiting_bytes);
        for (auto& [where, share] : shares_) {
            const bool full = share.waiting.size() >= most || share.waiting_bytes >= bytes;
            const bool low = share.waiting.size() <= most / 2 && share.waiting_bytes <= bytes / 2;
            if (share.paused ? !low : !full) continue;
            share.paused = !share.paused;
            rd_kafka_topic_partition_list_add(share.paused ? stop.get() : go.get(),
                                              (options_.prefix + where.first).c_str(),
                                              where.second);
        }
    }
    if (stop->cnt > 0) rd_kafka_pause_partitions(handle_.get(), stop.get());
    if (go->cnt > 0) rd_kafka_resume_partitions(handle_.get(), go.get());
}

void kafka_hub::rewind() {
    const auto back = new_partitions(1);
    {
        const std::scoped_lock lock(mutex_);
        for (auto& [where, share] : shares_)
            if (share.rewind_to)
                rd_kafka_topic_partition_list_add(
                    back.get(), (options_.prefix + where.first).c_str(), where.second)
                    ->offset = *share.rewind_to;
    }
    if (back->cnt == 0) return;
    if (auto* refused = rd_kafka_seek_partitions(handle_.get(), back.get(), ms(commit_within))) {
        log_warning("kafka_not_rewound",
                    {{"group", group_}, {"why", std::string_view(rd_kafka_error_string(refused))}});
        rd_kafka_error_destroy(refused);
        return;
    }
    const std::scoped_lock lock(mutex_);
    for (int i = 0; i < back->cnt; ++i) {
        const auto found = shares_.find(place_of(back->elems[i]));
        if (found == shares_.end() || back->elems[i].err) continue;
        found->second.fetched = back->elems[i].offset;
        found->second.rewind_to.reset();
    }
}

// `only`: of these partitions; null: of all. Waiting is bounded; a commit that is lost means that
// its events come again.
void kafka_hub::commit(bool wait, const std::vector<place>* only) {
    last_commit_ = steady::now();
    const auto list = new_partitions(8);
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [where, share] : shares_) {
            if (share.next <= share.committed || share.next < 0) continue;
            if (only && std::ranges::find(*only, where) == only->end()) continue;
            rd_kafka_topic_partition_list_add(list.get(), (options_.prefix + where.first).c_str(),
                                              where.second)
                ->offset = share.next;
        }
    }
    if (list->cnt == 0) return;
    if (!wait) {
        if (const auto code = rd_kafka_commit(handle_.get(), list.get(), 1))
            log_warning("kafka_offsets_not_committed",
                        {{"group", group_}, {"why", rd_kafka_err2str(code)}});
        return;
    }
    const kafka_queue answers(rd_kafka_queue_new(handle_.get()));
    auto code = rd_kafka_commit_queue(handle_.get(), list.get(), answers.get(), nullptr, nullptr);
    if (!code) {
        const kafka_event answer(rd_kafka_queue_poll(answers.get(), ms(commit_within)));
        code = answer ? rd_kafka_event_error(answer.get()) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    committed(code, list.get());
}

void kafka_hub::committed(rd_kafka_resp_err_t code, const rd_kafka_topic_partition_list_t* which) {
    if (code == RD_KAFKA_RESP_ERR__NO_OFFSET) return;
    if (code) {
        log_warning("kafka_offsets_not_committed",
                    {{"group", group_}, {"why", rd_kafka_err2str(code)}});
        return;
    }
    const std::scoped_lock lock(mutex_);
    for (int i = 0; i < which->cnt; ++i) {
        const auto found = shares_.find(place_of(which->elems[i]));
        if (found == shares_.end() || which->elems[i].err) continue;
        found->second.committed = std::max(found->second.committed, which->elems[i].offset);
    }
}

void kafka_hub::rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* which) {
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assigned(which);
        return;
    }
    revoked(which, rd_kafka_assignment_lost(handle_.get()) != 0);
    if (code != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        log_error("kafka_rebalance", {{"group", group_}, {"why", rd_kafka_err2str(code)}});
}

void kafka_hub::assigned(rd_kafka_topic_partition_list_t* which) {
    {
        const std::scoped_lock lock(mutex_);
        for (int i = 0; i < which->cnt; ++i) shares_[place_of(which->elems[i])] = {};
    }
    assignments_.fetch_add(1, std::memory_order_acq_rel);
    log_info("kafka_partitions_assigned", {{"group", group_}, {"count", which->cnt}});
    if (auto* refused = rd_kafka_incremental_assign(handle_.get(), which)) {
        log_error("kafka_rebalance",
                  {{"group", group_}, {"why", std::string_view(rd_kafka_error_string(refused))}});
        rd_kafka_error_destroy(refused);
    }
    // One that was ours before may have been paused then.
    rd_kafka_resume_partitions(handle_.get(), which);
}

void kafka_hub::revoked(rd_kafka_topic_partition_list_t* which, bool lost) {
    std::vector<place> places;
    for (int i = 0; i < which->cnt; ++i) places.push_back(place_of(which->elems[i]));
    {
        std::unique_lock lock(mutex_);
        for (const auto& each : places)
            if (const auto found = shares_.find(each); found != shares_.end())
                found->second.leaving = true;
        // Batches in work may end and count. One that does not is applied again by the next owner,
        // whose receipts tell.
        if (!lost && !stopping())
            settled_.wait_for(lock, options_.revoke_within, [&] {
                return stopping() || std::ranges::none_of(places, [&](const place& each) {
                           const auto found = shares_.find(each);
                           return found != shares_.end() && found->second.handed_out;
                       });
            });
    }
    if (!lost) commit(true, &places);
    // Polled just before they were given up. If one of these partitions is ours again by the time
    // they are accepted, they would count as its first events, and what lies between the group's
    // offset and them would never be handed out.
    std::erase_if(polled_, [&](const kafka_message& each) {
        auto topic = std::string(rd_kafka_topic_name(each->rkt)).substr(options_.prefix.size());
        return std::ranges::find(places, place{std::move(topic), each->partition}) != places.end();
    });
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& each : places) shares_.erase(each);
    }
    log_info("kafka_partitions_revoked",
             {{"group", group_}, {"count", which->cnt}, {"lost", lost}});
    if (auto* refused = rd_kafka_incremental_unassign(handle_.get(), which)) {
        log_warning("kafka_rebalance",
                    {{"group", group_}, {"why", std::string_view(rd_kafka_error_string(refused))}});
        rd_kafka_error_destroy(refused);
    }
}

void kafka_hub::leave() {
    const auto joined_by = steady::now() + commit_within;
    while (callbacks_.joining && steady::now() < joined_by)
        kafka_message(rd_kafka_consumer_poll(handle_.get(), poll_ms)).reset();
    if (rd_kafka_fatal_error(handle_.get(), nullptr, 0) == RD_KAFKA_RESP_ERR_NO_ERROR)
        commit(true, nullptr);
    kafka_queue last(rd_kafka_queue_new(handle_.get()));
    if (auto* refused = rd_kafka_consumer_close_queue(handle_.get(), last.get())) {
        rd_kafka_error_destroy(refused);
    } else {
        const auto until = steady::now() + close_within;
        while (!rd_kafka_consumer_closed(handle_.get()) && steady::now() < until) {
            const kafka_event one(rd_kafka_queue_poll(last.get(), poll_ms));
            if (one && rd_kafka_event_type(one.get()) == RD_KAFKA_EVENT_REBALANCE)
                rebalance(rd_kafka_event_error(one.get()),
                          rd_kafka_event_topic_partition_list(one.get()));
        }
    }
    {
        const std::scoped_lock lock(mutex_);
        shares_.clear();
    }
    last.reset();  // before its handle
    handle_.reset();
}

}  // namespace stoa
