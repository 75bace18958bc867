// The ports as one node sees them: every call takes time and may be refused or lose its answer.
#pragma once

#include "ports/blob.hpp"
#include "ports/notifier.hpp"
#include "ports/payment_provider.hpp"
#include "simulation/store.hpp"

namespace stoa::simulation {

class node_clock final : public clock {
 public:
    node_clock(world& in, int node) : world_(in), node_(node) {}
    timestamp now() override {
        return {1'790'000'000'000'000 + world_.now().nanos / 1000 + offset.count()};
    }
    instant ticks() override { return world_.now(); }
    task<> sleep(milliseconds) override;

    microseconds offset{0};  // somebody set the wall clock

 private:
    world& world_;
    int node_;
};

class node_random final : public random_source {
 public:
    explicit node_random(world& in) : world_(in) {}
    std::uint64_t next() override { return world_.chance.next(); }

 private:
    world& world_;
};

// What the fronts of a node share.
struct seat {
    world& in;
    store& shared;
    int node;
    bool disk_full = false;

    nanos delay() const {
        return in.between(nanos(20'000), shared.quiet
                                             ? nanos(100'000)
                                             : shared.wrong().slowest_call + nanos(100'000));
    }
    bool goes_wrong(double probability) const { return !shared.quiet && in.happens(probability); }
};

class node_items final : public key_value {
 public:
    explicit node_items(seat& at) : at_(at) {}
    task<result<std::optional<item>>> get(const kv_table& table, item key) override;
    task<result<kv_page>> query(kv_query what) override;
    task<result<write_outcome>> write(write_set what) override;
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override;

 private:
    template <class T, class Effect>
    task<result<T>> call(bool writes, Effect effect);
    seat& at_;
};

class node_rows final : public sql {
 public:
    explicit node_rows(seat& at) : at_(at) {}
    void submit(std::unique_ptr<sql_job> job) override;
    void submit_read(std::unique_ptr<sql_job> job) override;

 private:
    seat& at_;
};

class node_log final : public event_log {
 public:
    explicit node_log(seat& at) : at_(at) {}
    task<result<void>> append(std::vector<event> events) override;
    result<std::unique_ptr<subscription>> subscribe(std::string group,
                                                    std::vector<std::string> topics,
                                                    lane share) override;
    task<result<std::vector<delivery>>> read(std::string topic, int partition, std::int64_t from,
                                             int max) override;
    task<result<std::vector<topic_position>>> positions(std::string topic) override;
    task<result<std::vector<group_lag>>> lags() override;
    task<result<void>> park(delivery what, error cause, int attempts) override;
    task<result<bool>> is_parked(std::string group, std::string topic, std::string key) override;

 private:
    seat& at_;
};

class node_blobs final : public blob_store {
 public:
    node_blobs(seat& at, std::map<std::string, std::string>& kept) : at_(at), kept_(kept) {}
    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override;
    task<result<std::string>> get(std::string bucket, std::string key) override;
    task<result<std::unique_ptr<blob_writer>>> create(std::string, std::string) override;
    task<result<std::unique_ptr<blob_reader>>> open(std::string, std::string) override;
    task<result<std::vector<blob_info>>> list(std::string, std::string) override;
    task<result<void>> erase(std::string bucket, std::string key) override;

 private:
    seat& at_;
    std::map<std::string, std::string>& kept_;
};

class node_notifier final : public notifier {
 public:
    node_notifier(seat& at, std::map<std::string, int>& sent) : at_(at), sent_(sent) {}
    task<result<void>> send(message what) override;

 private:
    seat& at_;
    std::map<std::string, int>& sent_;  // by message id
};

// The provider's own books: what money moved, whatever anybody was told.
struct bank {
    struct intent {
        payment_intent shown;
        std::string method;
        bool to_decline = false, slow = false;
        instant done_at;
        std::int64_t refunded_minor = 0;
    };
    std::map<std::string, intent> intents;
    std::map<std::string, std::string> by_key;
    std::map<std::string, provider_refund> refunds;  // by key
    int next = 1;
    std::function<void(const intent&)> on_capture, on_refund;
    std::function<void(const std::string& order_id)> webhook;

    std::int64_t kept_minor(std::string_view order_id) const;  // captured and not given back
    int captures(std::string_view order_id) const;
};

class node_provider final : public payment_provider {
 public:
    node_provider(seat& at, bank& books) : at_(at), bank_(books) {}
    task<result<payment_intent>> create(std::string key, money amount, std::string method,
                                        std::string reference) override;
    task<result<payment_intent>> confirm(std::string intent_id) override;
    task<result<payment_intent>> get(std::string intent_id) override;
    task<result<payment_intent>> cancel(std::string intent_id) override;
    task<result<provider_refund>> refund(std::string key, std::string intent_id,
                                         money amount) override;

 private:
    template <class T, class Effect>
    task<result<T>> call(Effect effect);
    void capture(bank::intent& of);
    seat& at_;
    bank& bank_;
};

}  // namespace stoa::simulation
