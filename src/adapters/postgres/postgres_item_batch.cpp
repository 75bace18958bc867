#include "adapters/postgres/postgres_item_batch.hpp"

#include "ports/item_codec.hpp"
#include "runtime/crash_point.hpp"

namespace stoa {
namespace {

std::string lock_key(const item& key) {
    std::string out;
    for (const auto& each : key) {
        if (const auto* n = each.value.integer()) {
            // Any order will do, but all must have the same.
            for (int shift = 56; shift >= 0; shift -= 8)
                out += static_cast<char>(static_cast<std::uint64_t>(*n) >> shift);
        } else {
            out += *each.value.text();
            out += '\0';
        }
    }
    return out;
}

result<std::string> encoded(const kv_table& in, const item& value) {
    STOA_TRY_VOID(check_index_keys(in, value));
    std::string out;
    encode_item(out, value);
    if (out.size() > largest_item_bytes) return item_too_large(in, out.size());
    return out;
}

bool looks(const postgres_item_plan::write& w) {
    return w.what.is == write_set::op::update || w.what.is == write_set::op::check ||
           !w.what.conditions.empty();
}

// Lists of one table's rows, in the order of its statements.
class row_lists {
 public:
    explicit row_lists(const postgres_table& of) : of_(of) {
        lists_.emplace_back(of.items.hash.number);
        if (of.ranged()) lists_.emplace_back(of.items.range.number);
        keys_ = lists_.size();
    }
    void add_key(const item& key) {
        ++rows_;
        lists_[0].add(key.find(of_.table->hash));
        if (of_.ranged()) lists_[1].add(key.find(of_.table->range));
    }
    void add_wanted(bool whole) {
        if (lists_.size() == keys_) lists_.emplace_back(true);
        lists_[keys_].add(std::int64_t{whole});
    }
    void add_rest(const item* value, std::string_view body) {
        if (lists_.size() == keys_) {
            lists_.emplace_back(true);
            lists_.emplace_back(false);
            for (const auto& index : of_.indexes) {
                lists_.emplace_back(index.hash.number);
                if (index.ranged) lists_.emplace_back(index.range.number);
            }
        }
        auto at = keys_;
        const auto due = value ? expiry_of(*of_.table, *value) : std::nullopt;
        if (due) lists_[at].add(*due);
        else lists_[at].add_null();
        lists_[++at].add(body);
        for (const auto& index : of_.indexes) {
            const auto key = value ? index_key_of(index, *value) : postgres_index_key{};
            lists_[++at].add(key.hash);
            if (index.ranged) lists_[++at].add(key.range);
        }
    }
    bool empty() const { return rows_ == 0; }
    void send(postgres_connection& on, const postgres_prepared_text& statement,
              postgres_connection::rows_sink rows = {}) {
        std::vector<std::string> kept;
        postgres_parameters args;
        for (auto& each : lists_) kept.push_back(each.take());
        for (const auto& each : kept) args.add_bytes(each);
        on.send(statement, std::move(args), std::move(rows));
    }

 private:
    const postgres_table& of_;
    std::vector<postgres_list> lists_;
    std::size_t keys_, rows_ = 0;
};

std::int64_t number_at(const postgres_rows& rows, int row, int column) {
    std::uint64_t out = 0;
    for (const char c : rows.at(row, column)) out = out << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(out);
}

}  // namespace

result<postgres_item_plan> plan_items(const postgres_items_schema& schema, write_set what) {
    STOA_TRY_VOID(check_count(what));
    if (!what.events.empty() || what.receipt)
        return fail(errc::internal, "no_outbox",
                    "events of a write set need outboxed_items around the store");
    postgres_item_plan plan;
    plan.writes.reserve(what.writes.size());
    for (auto& each : what.writes) {
        const auto* in = schema.find(each.table);
        if (!in)
            return fail(
                errc::internal, "unknown_table",
                "table " + std::string(each.table ? each.table->name : "") + " was not declared");
        STOA_TRY(auto key, table_key(*in->table, each.value));
        STOA_TRY_VOID(check_changes(*in->table, each.changes));
        std::string body;
        if (each.is == write_set::op::put) {
            STOA_TRY(body, encoded(*in->table, each.value));
        }
        plan.size_bytes += body.size();
        plan.writes.push_back(
            {{in, lock_key(key)}, std::move(each), std::move(key), std::move(body)});
    }
    std::vector<item_place> places;
    places.reserve(plan.writes.size());
    for (const auto& each : plan.writes) places.push_back({each.place.in->table, &each.key});
    STOA_TRY_VOID(check_each_item_once(places));
    return plan;
}

void postgres_item_batch::collect() {
    for (const auto* plan : plans_)
        for (const auto& each : plan->writes) {
            auto& in = slots_[each.place];
            in.key = &each.key;
            in.whole = in.whole || looks(each);
        }
}

void postgres_item_batch::lock(postgres_connection& on) {
    for (auto at = slots_.begin(); at != slots_.end();) {
        const auto* in = at->first.in;
        row_lists wanted(*in);
        std::vector<slot*> listed;
        for (; at != slots_.end() && at->first.in == in; ++at) {
            wanted.add_key(*at->second.key);
            wanted.add_wanted(at->second.whole);
            listed.push_back(&at->second);
        }
        wanted.send(on, in->lock, [listed = std::move(listed)](const postgres_rows& rows) {
            for (int i = 0; i < rows.count(); ++i) {
                auto& found = *listed[static_cast<std::size_t>(number_at(rows, i, 0) - 1)];
                found.stood = found.stands = true;
                if (!rows.null(i, 1)) found.value = decode_item(rows.at(i, 1));
            }
        });
    }
    on.settle();
}

result<write_outcome> postgres_item_batch::carry_out(const postgres_item_plan& plan) {
    for (std::size_t i = 0; i < plan.writes.size(); ++i) {
        const auto& each = plan.writes[i];
        if (each.what.conditions.empty()) continue;
        const auto& standing = slots_[each.place];
        for (const auto& c : each.what.conditions)
            if (!holds(c, standing.value))
                return write_outcome{write_outcome::is::condition_failed, static_cast<int>(i)};
    }
    struct updated {
        slot* in;
        item value;
        std::string body;
    };
    std::vector<updated> updates;
    for (const auto& each : plan.writes) {
        if (each.what.is != write_set::op::update) continue;
        auto& in = slots_[each.place];
        auto value = in.value ? *in.value : each.key;
        for (const auto& c : each.what.changes) STOA_TRY_VOID(change_item(value, c));
        STOA_TRY(auto body, encoded(*each.place.in->table, value));
        updates.push_back({&in, std::move(value), std::move(body)});
    }
    // From here on nothing fails.
    for (auto& each : updates) {
        each.in->value = std::move(each.value);
        each.in->body = std::move(each.body);
        each.in->stands = each.in->dirty = true;
    }
    for (const auto& each : plan.writes) {
        auto& in = slots_[each.place];
        if (each.what.is == write_set::op::put) {
            in.value = each.what.value;
            in.body = each.body;
            in.stands = in.dirty = true;
        } else if (each.what.is == write_set::op::erase) {
            in.value.reset();
            in.stands = false;
            in.dirty = true;
        }
    }
    return write_outcome{};
}

// False: there is nothing to store.
bool postgres_item_batch::store(postgres_connection& on) {
    bool any = false;
    for (auto at = slots_.begin(); at != slots_.end();) {
        const auto* in = at->first.in;
        row_lists fresh(*in), changed(*in), gone(*in);
        for (; at != slots_.end() && at->first.in == in; ++at) {
            const auto& each = at->second;
            if (each.stands && !each.stood) {
                fresh.add_key(*each.key);
                fresh.add_rest(&*each.value, each.body);
            } else if (each.stands && each.dirty) {
                changed.add_key(*each.key);
                changed.add_rest(&*each.value, each.body);
            } else if (!each.stands && each.stood) {
                gone.add_key(*each.key);
            } else if (!each.stands && each.whole) {
                // Its absence was looked at: whoever writes it meanwhile waits for us, or we meet.
                fresh.add_key(*each.key);
                fresh.add_rest(nullptr, {});
                gone.add_key(*each.key);
            }
        }
        any = any || !fresh.empty() || !changed.empty() || !gone.empty();
        if (!fresh.empty()) fresh.send(on, in->insert);
        if (!changed.empty()) changed.send(on, in->put);
        if (!gone.empty()) gone.send(on, in->erase);
    }
    return any;
}

std::vector<result<write_outcome>> postgres_item_batch::run(postgres_connection& on,
                                                            bool& committing) {
    slots_.clear();
    collect();
    on.send_word("BEGIN");
    lock(on);
    std::vector<result<write_outcome>> out;
    out.reserve(plans_.size());
    for (const auto* plan : plans_) out.push_back(carry_out(*plan));
    crash_point("batch_ran");
    if (!store(on)) {
        on.send_word("ROLLBACK");
        on.settle_later();
        return out;
    }
    std::string tag;
    on.send_word("COMMIT", &tag);
    committing = true;
    on.settle();
    crash_point("batch_committed");
    if (tag != "COMMIT")
        throw sql_failure{error{.kind = errc::internal,
                                .code = "transaction_lost",
                                .detail = "the database gave the transaction up"}};
    return out;
}

}  // namespace stoa
