#include "simulation/fronts.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace stoa::simulation {
namespace {

error refused_for_now() {
    return {.kind = errc::unavailable, .code = "simulated_refusal", .retry_after_s = 1};
}
error answer_lost() { return {.kind = errc::unavailable, .code = "simulated_lost_answer"}; }
error disk_full() { return {.kind = errc::storage_full, .code = "storage_full"}; }

}  // namespace

task<> node_clock::sleep(milliseconds how_long) {
    return asio::async_initiate<const asio::use_awaitable_t<loop::executor_type>,
                                void(std::exception_ptr)>(
        [this, how_long](auto handler) {
            const auto where = asio::get_associated_executor(handler);
            auto slot = asio::get_associated_cancellation_slot(handler);
            auto cancelled = std::make_shared<bool>(false);
            const auto id =
                world_.park(node_, how_long, [h = std::move(handler), cancelled, where]() mutable {
                    std::exception_ptr why;
                    if (*cancelled)
                        why = std::make_exception_ptr(
                            boost::system::system_error(asio::error::operation_aborted));
                    asio::post(where, [h = std::move(h), why]() mutable { h(why); });
                });
            if (slot.is_connected())
                slot.assign([this, id, cancelled](asio::cancellation_type) {
                    *cancelled = true;
                    world_.wake(id, nanos(0));
                });
        },
        use_task);
}

// --- items

template <class T, class Effect>
task<result<T>> node_items::call(bool writes, Effect effect) {
    auto begin = [this, writes, effect = std::move(effect)](auto give) mutable {
        at_.in.park(at_.node, at_.delay(),
                    [this, writes, effect = std::move(effect), give = std::move(give)]() mutable {
                        if (writes && at_.disk_full)
                            return give(std::unexpected(disk_full()), at_.delay());
                        if (at_.goes_wrong(at_.shared.wrong().refuse))
                            return give(std::unexpected(refused_for_now()), at_.delay());
                        result<T> out = effect();
                        if (writes && at_.goes_wrong(at_.shared.wrong().lose_answer)) {
                            at_.in.sometimes("a write was done and its answer lost");
                            out = std::unexpected(answer_lost());
                        }
                        give(std::move(out), at_.delay());
                    });
    };
    return answered<result<T>>(at_.in, at_.node, std::move(begin));
}

task<result<std::optional<item>>> node_items::get(const kv_table& table, item key) {
    return call<std::optional<item>>(false, [this, &table, key = std::move(key)] {
        const auto found = at_.shared.get(table, key);
        return found ? std::optional(*found) : std::optional<item>();
    });
}
task<result<kv_page>> node_items::query(kv_query what) {
    return call<kv_page>(false, [this, what = std::move(what)] { return at_.shared.query(what); });
}
task<result<write_outcome>> node_items::write(write_set what) {
    return call<write_outcome>(
        true, [this, what = std::move(what)]() mutable { return at_.shared.write(what); });
}
task<result<kv_page>> node_items::scan(const kv_table& table, std::optional<item> after,
                                       int limit) {
    return call<kv_page>(false, [this, &table, after = std::move(after), limit] {
        return at_.shared.scan(table, after, limit);
    });
}

// --- rows

void node_rows::submit(std::unique_ptr<sql_job> job) {
    at_.in.park(at_.node, at_.delay(), [this, job = std::move(job)]() mutable {
        if (at_.disk_full) {
            job->reject(disk_full());
        } else if (at_.goes_wrong(at_.shared.wrong().refuse)) {
            job->reject(refused_for_now());
        } else if (at_.shared.commit(*job) && at_.goes_wrong(at_.shared.wrong().lose_answer)) {
            at_.in.sometimes("a transaction was done and its answer lost");
            job->reject(answer_lost());
        }
        at_.in.park(at_.node, at_.delay(), [job = std::move(job)] { job->complete(); });
    });
}
void node_rows::submit_read(std::unique_ptr<sql_job> job) {
    at_.in.park(at_.node, at_.delay(), [this, job = std::move(job)]() mutable {
        if (at_.goes_wrong(at_.shared.wrong().refuse)) job->reject(refused_for_now());
        else at_.shared.read(*job);
        at_.in.park(at_.node, at_.delay(), [job = std::move(job)] { job->complete(); });
    });
}

// --- the log

namespace {

class node_subscription final : public subscription {
 public:
    node_subscription(seat& at, std::unique_ptr<store::member> part)
        : at_(at), member_(std::move(part)) {}
    task<result<delivery_batch>> next(int max) override {
        return answered<result<delivery_batch>>(
            at_.in, at_.node, [this, max](auto give) { member_->next(max, std::move(give)); });
    }
    task<result<void>> done(std::string topic, int partition, std::int64_t next_offset) override {
        return answered<result<void>>(
            at_.in, at_.node, [this, topic = std::move(topic), partition, next_offset](auto give) {
                at_.in.park(at_.node, at_.delay(), [this, topic, partition, next_offset, give] {
                    if (at_.goes_wrong(at_.shared.wrong().refuse))
                        return give(std::unexpected(refused_for_now()), at_.delay());
                    member_->done(topic, partition, next_offset);
                    give(result<void>{}, at_.delay());
                });
            });
    }

 private:
    seat& at_;
    std::unique_ptr<store::member> member_;
};

}  // namespace

task<result<void>> node_log::append(std::vector<event> events) {
    return answered<result<void>>(
        at_.in, at_.node, [this, events = std::move(events)](auto give) mutable {
            at_.in.park(at_.node, at_.delay(), [this, events = std::move(events), give]() mutable {
                if (at_.disk_full) return give(std::unexpected(disk_full()), at_.delay());
                if (at_.goes_wrong(at_.shared.wrong().refuse))
                    return give(std::unexpected(refused_for_now()), at_.delay());
                at_.shared.append(std::move(events));
                const auto late = at_.in.between(nanos(0), at_.shared.wrong().publish_lag);
                if (at_.goes_wrong(at_.shared.wrong().append_twice)) {
                    at_.in.sometimes("events reached the log and the relay did not hear of it");
                    return give(std::unexpected(answer_lost()), late);
                }
                give(result<void>{}, at_.shared.quiet ? at_.delay() : late);
            });
        });
}
result<std::unique_ptr<subscription>> node_log::subscribe(std::string group,
                                                          std::vector<std::string> topics,
                                                          lane share) {
    return std::make_unique<node_subscription>(
        at_, at_.shared.join(std::move(group), std::move(topics), share));
}
task<result<std::vector<delivery>>> node_log::read(std::string topic, int partition,
                                                   std::int64_t from, int max) {
    std::vector<delivery> out;
    const auto& all = at_.shared.events_of(topic, partition);
    for (auto at = from; at < std::ssize(all) && std::ssize(out) < max; ++at)
        out.push_back(
            {.partition = partition, .offset = at, .message = all[static_cast<std::size_t>(at)]});
    co_return out;
}
task<result<std::vector<topic_position>>> node_log::positions(std::string) {
    co_return std::vector<topic_position>{};
}
task<result<std::vector<group_lag>>> node_log::lags() { co_return std::vector<group_lag>{}; }

task<result<void>> node_log::park(delivery what, error cause, int) {
    at_.shared.parked_keys.insert(what.group + '\0' + what.message.topic + '\0' + what.message.key);
    at_.shared.dead_letters.push_back({std::move(what), std::move(cause)});
    co_return result<void>{};
}
task<result<bool>> node_log::is_parked(std::string group, std::string topic, std::string key) {
    co_return at_.shared.parked_keys.contains(group + '\0' + topic + '\0' + key);
}

// --- blobs, mail

task<result<blob_info>> node_blobs::put(std::string bucket, std::string key, std::string content) {
    return answered<result<blob_info>>(
        at_.in, at_.node,
        [this, where = bucket + '/' + key, content = std::move(content)](auto give) {
            at_.in.park(at_.node, at_.delay(), [this, where, content, give] {
                if (at_.disk_full) return give(std::unexpected(disk_full()), at_.delay());
                if (at_.goes_wrong(at_.shared.wrong().refuse))
                    return give(std::unexpected(refused_for_now()), at_.delay());
                kept_[where] = content;
                give(blob_info{.key = where, .size_bytes = std::ssize(content), .etag = "e"},
                     at_.delay());
            });
        });
}
task<result<std::string>> node_blobs::get(std::string bucket, std::string key) {
    const auto found = kept_.find(bucket + '/' + key);
    if (found == kept_.end()) co_return fail(errc::not_found, "no_blob");
    co_return found->second;
}
task<result<std::unique_ptr<blob_writer>>> node_blobs::create(std::string, std::string) {
    co_return fail(errc::unavailable, "not_simulated");
}
task<result<std::unique_ptr<blob_reader>>> node_blobs::open(std::string, std::string) {
    co_return fail(errc::unavailable, "not_simulated");
}
task<result<std::vector<blob_info>>> node_blobs::list(std::string, std::string) {
    co_return std::vector<blob_info>{};
}
task<result<void>> node_blobs::erase(std::string bucket, std::string key) {
    kept_.erase(bucket + '/' + key);
    co_return result<void>{};
}

task<result<void>> node_notifier::send(message what) {
    return answered<result<void>>(at_.in, at_.node, [this, id = what.id](auto give) {
        at_.in.park(at_.node, at_.delay(), [this, id, give] {
            if (at_.goes_wrong(at_.shared.wrong().refuse))
                return give(std::unexpected(refused_for_now()), at_.delay());
            if (++sent_[id] > 1) at_.in.sometimes("a mail was sent twice under one id");
            if (at_.goes_wrong(at_.shared.wrong().refuse))
                return give(std::unexpected(answer_lost()), at_.delay());
            give(result<void>{}, at_.delay());
        });
    });
}

// --- the provider

std::int64_t bank::kept_minor(std::string_view order_id) const {
    std::int64_t out = 0;
    for (const auto& [id, each] : intents)
        if (each.shown.reference == order_id && each.shown.status == intent_status::succeeded)
            out += each.shown.amount.minor - each.refunded_minor;
    return out;
}
int bank::captures(std::string_view order_id) const {
    int out = 0;
    for (const auto& [id, each] : intents)
        out += each.shown.reference == order_id && each.shown.status == intent_status::succeeded;
    return out;
}

template <class T, class Effect>
task<result<T>> node_provider::call(Effect effect) {
    return answered<result<T>>(
        at_.in, at_.node, [this, effect = std::move(effect)](auto give) mutable {
            const auto p = at_.shared.wrong().provider_fails;
            if (at_.goes_wrong(p / 3))  // the request never arrives
                return give(std::unexpected(answer_lost()), at_.delay() + milliseconds(500));
            // On its way it belongs to nobody: it arrives even where its sender dies.
            constexpr int bank_node = 0;
            at_.in.park(
                bank_node, at_.delay(),
                [&in = at_.in, here = &at_, effect = std::move(effect), give, p]() mutable {
                    if (here->goes_wrong(p / 3))
                        return give(
                            std::unexpected(error{.kind = errc::unavailable, .code = "http_500"}),
                            here->delay());
                    result<T> out = effect();
                    if (here->goes_wrong(p)) {
                        in.sometimes("the provider did it and the answer was lost");
                        return give(
                            std::unexpected(error{.kind = errc::timeout, .code = "timeout"}),
                            here->delay() + milliseconds(500));
                    }
                    give(std::move(out), here->delay());
                });
        });
}

task<result<payment_intent>> node_provider::create(std::string key, money amount,
                                                   std::string method, std::string reference) {
    return call<payment_intent>([b = &bank_, in = &at_.in, key = std::move(key), amount,
                                 method = std::move(method),
                                 reference = std::move(reference)]() -> result<payment_intent> {
        if (const auto known = b->by_key.find(key); known != b->by_key.end()) {
            const auto& one = b->intents.at(known->second);
            if (one.shown.amount != amount) return fail(errc::conflict, "key_reused");
            return one.shown;
        }
        const auto id = "in_" + std::to_string(b->next++);
        bank::intent made;
        made.shown = {.id = id,
                      .status = intent_status::created,
                      .amount = amount,
                      .currency = amount.currency,
                      .decline_code = {},
                      .reference = reference};
        made.method = method;
        made.to_decline = method == "tok_declined";
        made.slow = method == "tok_slow";
        (void)in;
        b->by_key[key] = id;
        b->intents[id] = made;
        return made.shown;
    });
}

task<result<payment_intent>> node_provider::confirm(std::string intent_id) {
    return call<payment_intent>(
        [b = &bank_, in = &at_.in, id = std::move(intent_id)]() -> result<payment_intent> {
            const auto found = b->intents.find(id);
            if (found == b->intents.end()) return fail(errc::not_found, "no_intent");
            auto& one = found->second;
            if (one.shown.status != intent_status::created) return one.shown;
            if (one.to_decline) {
                one.shown.status = intent_status::declined;
                one.shown.decline_code = "card_declined";
                return one.shown;
            }
            if (one.slow) {
                one.shown.status = intent_status::processing;
                in->park(0, in->between(milliseconds(500), seconds(25)), [b, id] {
                    auto& late = b->intents.at(id);
                    if (late.shown.status != intent_status::processing) return;
                    late.shown.status = intent_status::succeeded;
                    if (b->on_capture) b->on_capture(late);
                    if (b->webhook) b->webhook(late.shown.reference);
                });
                return one.shown;
            }
            one.shown.status = intent_status::succeeded;
            if (b->on_capture) b->on_capture(one);
            if (b->webhook) b->webhook(one.shown.reference);
            return one.shown;
        });
}

task<result<payment_intent>> node_provider::get(std::string intent_id) {
    return call<payment_intent>(
        [b = &bank_, id = std::move(intent_id)]() -> result<payment_intent> {
            const auto found = b->intents.find(id);
            if (found == b->intents.end()) return fail(errc::not_found, "no_intent");
            return found->second.shown;
        });
}

task<result<payment_intent>> node_provider::cancel(std::string intent_id) {
    return call<payment_intent>(
        [b = &bank_, in = &at_.in, id = std::move(intent_id)]() -> result<payment_intent> {
            const auto found = b->intents.find(id);
            if (found == b->intents.end()) return fail(errc::not_found, "no_intent");
            auto& one = found->second.shown;
            if (one.status == intent_status::succeeded)
                in->sometimes("a cancellation came after the capture");
            if (one.status == intent_status::created) one.status = intent_status::cancelled;
            return one;
        });
}

task<result<provider_refund>> node_provider::refund(std::string key, std::string intent_id,
                                                    money amount) {
    return call<provider_refund>([b = &bank_, key = std::move(key), id = std::move(intent_id),
                                  amount]() -> result<provider_refund> {
        if (const auto known = b->refunds.find(key); known != b->refunds.end())
            return known->second;
        const auto found = b->intents.find(id);
        if (found == b->intents.end()) return fail(errc::not_found, "no_intent");
        auto& one = found->second;
        const bool can = one.shown.status == intent_status::succeeded &&
                         one.refunded_minor + amount.minor <= one.shown.amount.minor;
        provider_refund out{.id = "re_" + std::to_string(b->next++),
                            .succeeded = can,
                            .amount = amount,
                            .currency = amount.currency};
        if (can) one.refunded_minor += amount.minor;
        if (can && b->on_refund) b->on_refund(one);
        b->refunds[key] = out;
        return out;
    });
}

}  // namespace stoa::simulation
