#include "apps/stoa/house_in.hpp"

#include "adapters/outbox/outbox.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/sqlite_records.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/house_out.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "base/ids.hpp"
#include "ports/event_marks.hpp"
#include "ports/item_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <unordered_set>

namespace stoa {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_unpublished = 500'000;
// A repeat follows its event within what all shards bring while one batch is under way.
constexpr std::size_t events_remembered = 1'000'000;

// A partition's last events, by the hashes of their ids and payloads.
class last_events {
 public:
    // False: it is among them.
    bool add(const event& one) {
        const auto hash = stable_hash(one.id + '\n' + one.payload);
        if (!known_.insert(hash).second) return false;
        order_.push_back(hash);
        if (order_.size() > events_remembered) {
            known_.erase(order_.front());
            order_.pop_front();
        }
        return true;
    }

 private:
    std::unordered_set<std::uint64_t> known_;
    std::deque<std::uint64_t> order_;
};

struct received_event {
    std::string group, topic;
    int partition = 0;
    std::int64_t offset = 0;
};

class copier {
 public:
    copier(house& from, const house_plan& plan) : from_(from), plan_(plan) {}

    house_copied run() {
        const auto beats = from_.see_beats();
        const auto began = from_.time().ticks();
        see_places();
        rows_ = house::must(postgres_records::open(from_.database()));
        open_shop();
        copy_rows();
        for (const auto* each : shop_tables()) copy_items(*each);
        copy_parked();
        see_outbox();
        auto shop = std::exchange(loader_, nullptr);
        copy_provider();
        loader_ = std::move(shop);
        copy_log();
        copy_groups();
        house::must(loader_->finish());
        loader_.reset();
        rows_.reset();
        if (plan_.whole) {
            copy_blobs();
            copy_keys();
        }
        out_.served = from_.is_served(beats, began);
        return std::move(out_);
    }

 private:
    void tell(std::string_view step, std::int64_t done, std::int64_t all = 0) {
        if (from_.ending()) from_.pause(milliseconds(1));
        if (plan_.told) plan_.told(step, done, all);
    }
    void step(std::string_view name) {
        step_ = name;
        done_ = 0;
        tell(step_, 0);
    }
    void begin(std::string kind, std::string name) {
        house::must(loader_->begin({std::move(kind), std::move(name)}));
    }
    void add(std::string_view record) {
        house::must(loader_->add(record));
        if (++done_ % 1'000 == 0) tell(step_, done_);
    }
    void add(const item& record) {
        record_.clear();
        encode_item(record_, record);
        add(record_);
    }
    int partitions(const std::string& topic) {
        return from_.log().cluster().partitions(topic).value_or(0);
    }

    // Before anything else is read: what a group has done by now shows in all that comes later.
    void see_places() {
        step("places in the log");
        auto& cluster = from_.log().cluster();
        out_.shop = shop_options(from_.from(), plan_.directory);
        std::erase_if(out_.shop.topics,
                      [](const auto& each) { return is_told_by_buckets(each.name); });
        for (auto& each : out_.shop.topics) {
            const std::string name(each.name);
            each.partitions = std::max(partitions(name), partitions(name + ".dlq"));
            topics_.push_back(name);
            topics_.push_back(name + ".dlq");
        }
        std::ranges::sort(topics_);
        for (const auto& group : plan_.groups) {
            next_[group.name] = house::must(cluster.committed(group.name, group.topics));
            for (const auto& topic : group.topics) readers_[topic].push_back(group.name);
        }
        for (const auto& topic : topics_)
            for (int p = 0; p < partitions(topic); ++p) {
                const auto at = house::must(cluster.position(topic, p));
                out_.before[{topic, p}] = at.end;
                // A group that has not done anything yet stands at the beginning.
                if (at.end > at.first && readers_.contains(topic))
                    for (const auto& group : readers_.at(topic))
                        next_[group].try_emplace({topic, p}, at.first);
            }
    }

    void open_shop() {
        loader_ = house::must(sqlite_loader::open(out_.shop, from_.time()));
        begin("schema", "migrations");
        rows_->migrations();
        while (const auto one = rows_->take()) add(*one);
    }
    void copy_rows() {
        for (const auto& table : tables_of(out_.shop.migrations)) {
            step(table);
            begin("rows", table);
            rows_->rows(table);
            while (const auto one = rows_->take()) add(*one);
        }
    }
    void each_item(const kv_table& table, const std::function<void(item)>& take) {
        if (!from_.items_on_postgres()) return from_.each_item(table, take);
        rows_->items(table);
        while (const auto one = rows_->take()) take(decode_item(*one));
    }
    void copy_items(const kv_table& table) {
        step(table.name);
        begin("items", std::string(table.name));
        each_item(table, [&](const item& one) { add(one); });
    }

    void copy_provider() {
        out_.provider =
            provider_options(from_.from(), plan_.directory + '/' + std::string(provider_directory));
        loader_ = house::must(sqlite_loader::open(out_.provider, from_.time()));
        begin("schema", "migrations");
        for (const auto* each : out_.provider.tables) copy_items(*each);
        house::must(loader_->finish());
    }

    // Dead letters that still count, and the keys behind them.
    void copy_parked() {
        step("dead letters");
        each_item(parked_table, [&](const item& one) {
            const auto place = one.text("place");
            item row;
            row.set("consumer_group", one.text("consumer"));
            row.set("topic", one.text("topic"));
            row.set("key", one.text("key"));
            if (place.starts_with("key/")) keys_.push_back(std::move(row));
            if (!place.starts_with("letter/")) return;
            row.set("partition", one.integer("partition"));
            row.set("event_offset", one.integer("offset"));
            row.set("dead_letter_offset", one.integer("letter_offset"));
            row.set("code", one.text("code"));
            row.set("detail", one.text("detail"));
            row.set("attempts", one.integer("attempts"));
            row.set("at", read_rfc3339(one.text("at")).value_or(timestamp{}).micros);
            if (received(std::string(one.text("consumer")), std::string(one.text("event_id")))) {
                item redriven;
                redriven.set("consumer_group", one.text("consumer"));
                redriven.set("event_id", one.text("event_id"));
                redriven.set("at", from_.time().now().micros);
                redriven_.push_back(std::move(redriven));
            }
            letters_.push_back(std::move(row));
        });
    }

    // What was published and is not in the log yet. It follows on the log's end here.
    void see_outbox() {
        step("outbox");
        const auto take = [&](const item& one) {
            // What waits for a queue only is in the log.
            if (one.integer("shard") >= outbox_shards) return;
            auto told = house::must(event_of_outbox(one));
            const int at = partition_of(told.key, std::max(1, partitions(told.topic)));
            if (++done_ > static_cast<std::int64_t>(most_unpublished))
                throw sql_failure{error{
                    .kind = errc::conflict,
                    .code = "outbox_full",
                    .detail = "more than " + std::to_string(most_unpublished) +
                              " events wait for Kafka: start the shop until its outbox is empty"}};
            waiting_[{told.topic, at}].emplace(one.text("place"), std::move(told));
        };
        each_item(outbox_table, take);
        if (from_.items_on_postgres()) return;
        rows_->items(outbox_table);
        while (const auto one = rows_->take()) take(decode_item(*one));
    }

    // By the store of whoever received it. Each costs a question, and an audit asks for none.
    bool received(const std::string& group, const std::string& id) {
        if (!plan_.whole || id.empty()) return false;
        if (rows_->get(inbox_table, group, id)) return true;
        if (from_.items_on_postgres()) return false;
        return from_
            .await(from_.items().get(inbox_table, key_of("consumer", group, "event_id", id)))
            .has_value();
    }

    void copy_log() {
        for (const auto& topic : topics_) {
            step(topic);
            begin("events", topic);
            for (int p = 0; p < partitions(topic); ++p) copy_partition(topic, p);
        }
    }
    void copy_partition(const std::string& topic, int partition) {
        const auto kept = house::must(from_.log().cluster().position(topic, partition));
        auto waiting = std::exchange(waiting_[{topic, partition}], {});
        std::unordered_set<std::string_view> unpublished;
        for (const auto& [place, one] : waiting) unpublished.insert(one.id);
        last_events known;
        const bool direct =
            topic.ends_with(".dlq") || std::ranges::find(plan_.direct, topic) != plan_.direct.end();
        std::int64_t first = -1, end = kept.end;
        house::must(from_.log().walk(topic, partition, kept.first, kept.end,
                                     [&](kafka_kept one) -> result<void> {
                                         if (first < 0) first = one.what.offset;
                                         unpublished.erase(one.what.message.id);
                                         if (!one.wrong.empty())
                                             one.what.message.type = "stoa.ill_formed";
                                         else if (!direct && !known.add(one.what.message)) {
                                             one.what.message.type = repeat_type;
                                             one.what.message.payload = "{}";
                                         }
                                         add_event(one.what, one.accepted_at);
                                         return {};
                                     }));
        for (const auto& [place, one] : waiting) {
            if (!unpublished.contains(one.id)) continue;
            delivery told{.partition = partition, .offset = end++, .message = one};
            add_event(told, from_.time().now());
        }
        item place;
        place.set("topic", topic);
        place.set("partition", partition);
        place.set("first", first < 0 ? kept.end : first);
        partitions_.push_back(std::move(place));
    }
    void add_event(const delivery& one, timestamp accepted_at) {
        const auto& what = one.message;
        item row;
        row.set("partition", one.partition);
        row.set("offset", one.offset);
        row.set("accepted_at", accepted_at.micros);
        row.set("key", what.key);
        row.set("id", what.id);
        row.set("type", what.type);
        row.set("version", what.version);
        row.set("occurred_at", what.occurred_at.micros);
        row.set("traceparent", what.traceparent);
        row.set("payload", what.payload);
        add(row);
        const auto readers = readers_.find(what.topic);
        if (readers == readers_.end()) return;
        for (const auto& group : readers->second) {
            const auto next = next_[group].find({what.topic, one.partition});
            if (next != next_[group].end() && one.offset < next->second) continue;
            if (received(group, what.id))
                inbox_.push_back({group, what.topic, one.partition, one.offset});
        }
    }

    void copy_groups() {
        step("groups");
        begin("log", "partitions");
        for (const auto& each : partitions_) add(each);
        // A receipt beyond what a group has done stands beside its place.
        for (const auto& each : inbox_)
            next_[each.group].try_emplace({each.topic, each.partition}, 0);
        begin("log", "consumers");
        for (const auto& [group, places] : next_)
            for (const auto& [where, next] : places) {
                item row;
                row.set("group", group);
                row.set("topic", where.first);
                row.set("partition", where.second);
                row.set("next", next);
                add(row);
            }
        begin("log", "inbox");
        for (const auto& each : inbox_) {
            item row;
            row.set("group", each.group);
            row.set("topic", each.topic);
            row.set("partition", each.partition);
            row.set("offset", each.offset);
            add(row);
        }
        for (const auto& [name, all] :
             {std::pair{"inbox_redriven", &redriven_}, std::pair{"dead_letters", &letters_},
              std::pair{"parked_keys", &keys_}}) {
            begin("log", name);
            for (const auto& each : *all) add(each);
        }
    }

    void copy_blobs() {
        step("files");
        for (const auto& bucket : shop_buckets())
            for (const auto& each : from_.await(from_.blobs().list(bucket, ""))) {
                copy_blob(bucket, each.key);
                tell(step_, ++done_);
            }
    }
    void copy_blob(const std::string& bucket, const std::string& key) {
        const fs::path path =
            plan_.directory + '/' + std::string(blobs_directory) + '/' + bucket + '/' + key;
        std::error_code why;
        fs::create_directories(path.parent_path(), why);
        std::ofstream to(path, std::ios::binary);
        const std::shared_ptr<blob_reader> reader = from_.await(from_.blobs().open(bucket, key));
        for (;;) {
            const auto bytes = from_.await(reader->read(1 << 20));
            if (bytes.empty()) break;
            to.write(bytes.data(), std::ssize(bytes));
        }
        to.close();
        if (!to) not_written(path.string());
    }
    void copy_keys() {
        const auto path = keys_path(from_.from());
        std::ifstream in(path, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const auto to = plan_.directory + '/' + std::string(keys_file);
        std::ofstream out(to, std::ios::binary);
        out << text;
        out.close();
        if (!in.is_open() || text.empty() || !out) not_written(path);
    }
    [[noreturn]] static void not_written(const std::string& what) {
        throw sql_failure{error{.kind = errc::internal,
                                .code = "copy_failed",
                                .detail = what + " cannot be copied: " + std::strerror(errno)}};
    }

    house& from_;
    const house_plan& plan_;
    house_copied out_;
    std::unique_ptr<postgres_records> rows_;
    std::unique_ptr<sqlite_loader> loader_;
    std::string step_, record_;
    std::int64_t done_ = 0;
    std::vector<std::string> topics_;
    std::map<std::string, std::vector<std::string>, std::less<>> readers_;  // groups by topic
    std::map<std::string, std::map<std::pair<std::string, int>, std::int64_t>> next_;
    // By their places in the outbox: an aggregate's in their order.
    std::map<std::pair<std::string, int>, std::map<std::string, event, std::less<>>> waiting_;
    std::vector<received_event> inbox_;
    std::vector<item> partitions_, redriven_, letters_, keys_;
};

}  // namespace

result<house_copied> copy_house(house& from, const house_plan& plan) {
    try {
        return copier(from, plan).run();
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
}

}  // namespace stoa
