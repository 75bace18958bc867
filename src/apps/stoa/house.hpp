// A whole shop on real engines, as audits, backups and moves reach it: from a thread that may wait.
// house_in.hpp brings it into a directory of the embedded engines, house_out.hpp the other way.
#pragma once

#include "adapters/kafka/kafka_copy.hpp"
#include "adapters/postgres/postgres_records.hpp"
#include "apps/stoa/settings.hpp"
#include "apps/stoa/wiring_engines.hpp"

#include <boost/asio/co_spawn.hpp>

#include <future>

namespace stoa {

// A consumer group with what it reads.
struct reader_group {
    std::string name;
    std::vector<std::string> topics;
};

// Thread rule: one thread at a time, which is no loop's. Its functions throw sql_failure where an
// engine fails or the process wants to end.
class house {
 public:
    struct needs {
        const settings& from;
        engines& stores;
        loop_set& loops;  // they run
        clock& time;
        std::function<bool()> ending{};  // the process wants to end
    };
    // Waits for engines that are away, 15 s at most. Errors: engines::check()'s.
    static result<std::unique_ptr<house>> open(needs with);

    const settings& from() const { return with_.from; }
    clock& time() { return with_.time; }
    blob_store& blobs() { return with_.stores.blobs(); }
    // Of everything but the rows that products and users have.
    key_value& items() { return with_.stores.provider_items(); }
    bool items_on_postgres() const { return with_.from.text("key_value") == "postgres"; }
    kafka_copy& log() { return *log_; }
    postgres_address database() const;
    bool ending() const { return with_.ending && with_.ending(); }

    template <class T>
    T await(task<result<T>> work) {
        auto under_way = begin(std::move(work));
        return finish(under_way);
    }
    // An engine's error thrown.
    template <class T>
    static T must(result<T> got) {
        if (!got) throw sql_failure{std::move(got).error()};
        if constexpr (!std::is_void_v<T>) return *std::move(got);
    }
    // Every item of a table by the port, a page at a time.
    void each_item(const kv_table& table, const std::function<void(item)>& take);
    // All of them under way at once; each must be kept.
    void write_all(std::vector<write_set> sets);
    void pause(milliseconds how_long);

    // Who holds the outbox's leases, and since when by its own beats. Every process that serves
    // something but the gateway moves one of them within two seconds.
    using beats = std::map<std::string, std::string>;
    beats see_beats();
    // Some process serves this shop: a lease has moved since, or moves within 3 s.
    bool is_served(const beats& since, instant seen_at);

    // What a restore that has not ended is of.
    std::optional<item> restoring();

 private:
    template <class T>
    using pending = std::future<result<T>>;
    template <class T>
    pending<T> begin(task<result<T>> work) {
        auto told = std::make_shared<std::promise<result<T>>>();
        auto out = told->get_future();
        asio::co_spawn(with_.loops.at(0), std::move(work),
                       [told](const std::exception_ptr& thrown, result<T> got) {
                           if (thrown) told->set_exception(thrown);
                           else told->set_value(std::move(got));
                       });
        return out;
    }
    template <class T>
    T finish(pending<T>& of) {
        while (of.wait_for(milliseconds(200)) != std::future_status::ready)
            if (ending()) throw_ending();
        return must(of.get());
    }
    explicit house(needs with) : with_(std::move(with)) {}
    [[noreturn]] static void throw_ending();

    needs with_;
    std::unique_ptr<kafka_copy> log_;
};

// The item that stands among the leases while a restore is at work.
item restore_marker();

}  // namespace stoa
