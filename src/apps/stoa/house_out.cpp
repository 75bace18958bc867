#include "apps/stoa/house_out.hpp"

#include "adapters/kafka/kafka_parking.hpp"
#include "adapters/outbox/relay.hpp"
#include "adapters/simulator/payment_simulator.hpp"
#include "adapters/sqlite/sqlite_records.hpp"
#include "apps/stoa/backup.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "ports/event_marks.hpp"
#include "ports/item_codec.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace stoa {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t items_together = 25, sets_at_once = 32;
constexpr std::size_t bytes_together = 1 << 20;
constexpr std::size_t upload_chunk_bytes = 1 << 20;

[[noreturn]] void refuse(std::string_view code, std::string detail) {
    throw sql_failure{
        error{.kind = errc::conflict, .code = std::string(code), .detail = std::move(detail)}};
}
[[noreturn]] void not_empty(const std::string& what) {
    refuse("not_empty", what +
                            ": a backup is restored into engines that have nothing in them, and "
                            "nothing is overwritten. Give others, or other prefixes, in the "
                            "settings");
}
[[noreturn]] void unusable(const std::string& path) {
    throw sql_failure{error{.kind = errc::internal,
                            .code = "restore_failed",
                            .detail = path + ": " + std::strerror(errno)}};
}

std::string content_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string out{std::istreambuf_iterator<char>(in), {}};
    if (!in.is_open() || in.bad()) unusable(path);
    return out;
}

// Puts of many items, some at a time.
class item_writer {
 public:
    explicit item_writer(house& to) : to_(to) {}
    void put(const kv_table& table, item one, std::size_t size_bytes) {
        if (now_.writes.size() >= items_together || bytes_ + size_bytes > bytes_together) close();
        bytes_ += size_bytes;
        now_.put(table, std::move(one));
    }
    void finish() {
        close();
        send();
    }

 private:
    void close() {
        if (now_.writes.empty()) return;
        ready_.push_back(std::exchange(now_, {}));
        bytes_ = 0;
        if (ready_.size() >= sets_at_once) send();
    }
    void send() { to_.write_all(std::exchange(ready_, {})); }

    house& to_;
    write_set now_;
    std::vector<write_set> ready_;
    std::size_t bytes_ = 0;
};

class filler {
 public:
    filler(house& to, const house_source& with) : to_(to), with_(with) {}

    void run() {
        if (to_.is_served(to_.see_beats(), to_.time().ticks()))
            refuse("shop_is_served", "processes serve a shop on these engines: end them first");
        begin();
        rows_ = house::must(postgres_filler::open(to_.database()));
        sqlite_records shop(with_.shop), provider(with_.provider);
        for (const auto& each : shop.sections()) copy(shop, each);
        house::must(rows_->finish());
        for (const auto& each : provider.sections())
            if (each.kind == "items") copy(provider, each);
        place_groups();
        upload();
        place_keys();
        write_set over;
        over.erase(leases_table, restore_marker());
        to_.write_all({std::move(over)});
    }

 private:
    void tell(std::int64_t done, std::int64_t all = 0) {
        if (with_.told) with_.told(step_, done, all);
    }

    // Ours from here on: what is in the engines behind the marker was put there by this backup.
    void begin() {
        step_ = "what is there";
        tell(0);
        if (const auto found = to_.restoring()) {
            if (found->text("owner") == with_.backup_id) return;
            refuse("restore_interrupted",
                   "a restore of another backup into these engines did not end: run it again with "
                   "that file, or give engines that have nothing in them");
        }
        check_empty();
        write_set marked;
        auto marker = restore_marker();
        marker.set("owner", with_.backup_id);
        marked.put(leases_table, std::move(marker), {absent("name")});
        to_.write_all({std::move(marked)});
    }
    void check_empty() {
        const auto rows = house::must(postgres_filler::open(to_.database()));
        auto tables = tables_of(shop_migrations());
        for (const auto* each : {&outbox_table, &inbox_table})
            tables.push_back("kv_" + std::string(each->name));
        if (const auto found = house::must(rows->filled(tables)))
            not_empty("the table " + *found + " of PostgreSQL has rows");
        for (const auto* each : item_tables_of_shop())
            if (!to_.await(to_.items().scan(*each, {}, 1)).items.empty())
                not_empty("the table " + std::string(each->name) + " has items");
        for (const auto& of : with_.shop.partitions()) {
            if (is_told_by_buckets(of.topic)) continue;
            const auto at = house::must(to_.log().cluster().position(of.topic, of.number));
            if (at.end > 0)
                not_empty("the topic " + to_.log().cluster().broker_name(of.topic) +
                          " has had events");
        }
        for (const auto& bucket : shop_buckets())
            if (!to_.await(to_.blobs().list(bucket, "")).empty())
                not_empty("the bucket " + bucket + " has files");
        const auto keys = keys_path(to_.from());
        std::error_code ignored;
        if (fs::exists(keys, ignored) && content_of(keys) != content_of(own_keys()))
            refuse("not_empty", keys +
                                    " has other keys than the backup: move it away, or name "
                                    "another file with keys_file");
    }

    void copy(sqlite_records& from, const record_section& section) {
        // Originals that wait for their sizes: their bucket tells of them when they are put there.
        if (section.kind == "events" && is_told_by_buckets(section.name)) return;
        step_ = section.name;
        done_ = 0;
        tell(0);
        from.begin(section);
        if (section.kind == "rows") house::must(rows_->begin(section.name));
        const auto* table = section.kind == "items" ? table_named(section.name) : nullptr;
        item_writer items(to_);
        for (record_.clear(); from.next(record_); record_.clear()) {
            auto one = decode_item(record_);
            if (section.kind == "rows") house::must(rows_->add(one));
            else if (table) items.put(*table, std::move(one), record_.size());
            else if (section.kind == "events") add_event(section.name, one);
            else if (section.kind == "log") add_place(section.name, one);
            if (++done_ % 1'000 == 0) tell(done_);
        }
        items.finish();
        if (section.kind == "events") end_topic(section.name);
    }
    const kv_table* table_named(std::string_view name) {
        for (const auto* each : item_tables_of_shop())
            if (each->name == name) return each;
        refuse("backup_newer", "the backup has the table " + std::string(name) +
                                   ", which this version does not know");
    }

    // Places below `offset` are filled with events that say nothing, and taken away at the end.
    void fill_up_to(const std::string& topic, int partition, std::int64_t offset) {
        auto& end = ends_.at({topic, partition});
        for (; end < offset; ++end)
            house::must(to_.log().put({.topic = topic,
                                       .key = {},
                                       .id = "filled",
                                       .type = std::string(repeat_type),
                                       .occurred_at = to_.time().now(),
                                       .traceparent = {},
                                       .payload = "{}"},
                                      partition, to_.time().now()));
    }
    void add_event(const std::string& topic, const item& row) {
        const int partition = static_cast<int>(row.integer("partition"));
        const auto offset = row.integer("offset");
        if (!ends_.contains({topic, partition})) begin_topic(topic);
        auto& end = ends_.at({topic, partition});
        if (offset < end) return;  // by a restore that died
        fill_up_to(topic, partition, offset);
        house::must(to_.log().put({.topic = topic,
                                   .key = std::string(row.text("key")),
                                   .id = std::string(row.text("id")),
                                   .type = std::string(row.text("type")),
                                   .version = row.integer("version"),
                                   .occurred_at = {row.integer("occurred_at")},
                                   .traceparent = std::string(row.text("traceparent")),
                                   .payload = std::string(row.text("payload"))},
                                  partition, {row.integer("accepted_at")}));
        ++end;
    }
    void begin_topic(const std::string& topic) {
        auto& cluster = to_.log().cluster();
        const int there = cluster.partitions(topic).value_or(0);
        const auto ours =
            std::ranges::count(with_.shop.partitions(), topic, &sqlite_snapshot::partition::topic);
        if (there != ours)
            refuse("topic_partitions",
                   "the topic " + cluster.broker_name(topic) + " has " + std::to_string(there) +
                       " partitions, and " + std::to_string(ours) +
                       " in the backup: the order of a key's events would be lost");
        for (int p = 0; p < there; ++p)
            ends_[{topic, p}] = house::must(cluster.position(topic, p)).end;
    }
    void end_topic(const std::string& topic) {
        if (!ends_.contains({topic, 0})) begin_topic(topic);
        for (const auto& of : with_.shop.partitions())
            if (of.topic == topic) fill_up_to(topic, of.number, of.end);
        house::must(to_.log().settle());
        for (const auto& of : with_.shop.partitions()) {
            if (of.topic != topic) continue;
            if (of.first > 0) house::must(to_.log().trim(topic, of.number, of.first));
            const auto now = house::must(to_.log().cluster().position(topic, of.number));
            if (now.end != of.end)
                refuse("restore_failed", topic + '/' + std::to_string(of.number) + " ends at " +
                                             std::to_string(now.end) + " instead of " +
                                             std::to_string(of.end) +
                                             ": somebody else writes into it");
        }
    }

    std::string id_at(std::string_view topic, std::int64_t partition, std::int64_t offset) {
        for (const auto& of : with_.shop.partitions()) {
            if (of.topic != topic || of.number != partition) continue;
            const auto found =
                with_.shop.rows("SELECT id FROM events WHERE position = CAST(?1 AS INTEGER)",
                                {std::to_string(position_of(of.id, offset))});
            if (found->next()) return std::string(found->row().text(0));
        }
        return {};
    }
    void add_place(const std::string& kind, const item& row) {
        if (is_told_by_buckets(row.text("topic"))) return;
        if (kind == "consumers")
            places_[std::string(row.text("group"))]
                   [{std::string(row.text("topic")), static_cast<int>(row.integer("partition"))}] =
                       row.integer("next");
        if (kind == "inbox")
            receive(row.text("group"),
                    id_at(row.text("topic"), row.integer("partition"), row.integer("offset")));
        if (kind == "inbox_redriven") receive(row.text("consumer_group"), row.text("event_id"));
        if (kind == "dead_letters") add_letter(row);
    }
    // Whoever received it has its receipts in one of the two stores.
    void receive(std::string_view group, std::string_view id) {
        if (id.empty()) return;
        const auto receipt = inbox_item(
            {.group = std::string(group), .message = {.id = std::string(id)}}, to_.time().now());
        write_set in;
        in.put(inbox_table, receipt);
        to_.write_all({std::move(in)});
        if (!to_.items_on_postgres()) house::must(rows_->put(inbox_table, receipt));
    }
    void add_letter(const item& row) {
        kafka_parking parking(to_.items());
        to_.await(parking.add(
            {.group = std::string(row.text("consumer_group")),
             .topic = std::string(row.text("topic")),
             .key = std::string(row.text("key")),
             .event_id = id_at(std::string(row.text("topic")) + ".dlq", row.integer("partition"),
                               row.integer("dead_letter_offset")),
             .partition = static_cast<int>(row.integer("partition")),
             .offset = row.integer("event_offset"),
             .letter_offset = row.integer("dead_letter_offset"),
             .code = std::string(row.text("code")),
             .detail = std::string(row.text("detail")),
             .attempts = static_cast<int>(row.integer("attempts")),
             .at = {row.integer("at")}}));
    }
    void place_groups() {
        step_ = "groups";
        tell(0);
        for (const auto& [group, next] : places_) house::must(to_.log().place(group, next));
    }

    void upload() {
        step_ = "files";
        const auto root = with_.directory + '/' + std::string(blobs_directory);
        std::error_code why;
        done_ = 0;
        for (fs::recursive_directory_iterator each(root, why), end; !why && each != end;
             each.increment(why)) {
            if (!each->is_regular_file()) continue;
            const auto below = each->path().string().substr(root.size() + 1);
            const auto slash = below.find('/');
            if (slash == std::string::npos) continue;
            upload_one(each->path().string(), below.substr(0, slash), below.substr(slash + 1));
            tell(++done_);
        }
        if (why && why != std::errc::no_such_file_or_directory)
            throw sql_failure{error{.kind = errc::internal,
                                    .code = "restore_failed",
                                    .detail = root + ": " + why.message()}};
    }
    void upload_one(const std::string& path, const std::string& bucket, const std::string& key) {
        std::ifstream in(path, std::ios::binary);
        const std::shared_ptr<blob_writer> to = to_.await(to_.blobs().create(bucket, key));
        for (std::string bytes(upload_chunk_bytes, '\0'); in;) {
            in.read(bytes.data(), std::ssize(bytes));
            if (in.gcount() == 0) break;
            to_.await(to->append(bytes.substr(0, static_cast<std::size_t>(in.gcount()))));
        }
        if (in.bad() || !in.eof()) unusable(path);
        to_.await(to->finish());
    }

    std::string own_keys() const { return with_.directory + '/' + std::string(keys_file); }
    void place_keys() {
        const auto path = keys_path(to_.from());
        const auto text = content_of(own_keys());
        std::error_code why;
        fs::create_directories(fs::path(path).parent_path(), why);
        const auto partial = path + ".part";
        const int file = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file < 0) unusable(partial);
        const bool written =
            ::write(file, text.data(), text.size()) == std::ssize(text) && ::fsync(file) == 0;
        ::close(file);
        if (!written || ::rename(partial.c_str(), path.c_str()) != 0) unusable(partial);
    }

    house& to_;
    const house_source& with_;
    std::unique_ptr<postgres_filler> rows_;
    std::string step_, record_;
    std::int64_t done_ = 0;
    std::map<std::pair<std::string, int>, std::int64_t> ends_;  // of the topics begun
    std::map<std::string, std::map<std::pair<std::string, int>, std::int64_t>> places_;
};

}  // namespace

std::string keys_path(const settings& from) {
    return from.given("keys_file") ? from.text("keys_file")
                                   : from.text("data_dir") + '/' + std::string(keys_file);
}

result<void> fill_house(house& to, const house_source& with) {
    try {
        filler(to, with).run();
    } catch (const sql_failure& failure) {
        return fail(failure.why);
    }
    return {};
}

}  // namespace stoa
