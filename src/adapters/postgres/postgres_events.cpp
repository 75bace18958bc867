#include "adapters/postgres/postgres_events.hpp"

#include "adapters/outbox/outbox.hpp"
#include "ports/item_codec.hpp"

namespace stoa {
namespace {

postgres_parameters row_of(const postgres_table& in, const item& value, std::string_view body) {
    postgres_parameters out;
    add_key(out, *value.find(in.table->hash));
    add_key(out, *value.find(in.table->range));
    if (const auto due = expiry_of(*in.table, value)) out.add_number_binary(*due);
    else out.add_null();
    out.add_bytes(body);
    return out;
}

}  // namespace

postgres_events::postgres_events(const postgres_items_schema& items,
                                 std::vector<std::string> topics, clock& time)
    : outbox_(items.find(&outbox_table)),
      inbox_(items.find(&inbox_table)),
      topics_(topics.begin(), topics.end()),
      time_(time) {}

void postgres_events::publish(postgres_connection& on, const event& what, int nth) const {
    if (!topics_.contains(what.topic))
        throw sql_failure{error{.kind = errc::invalid,
                                .code = "unknown_topic",
                                .detail = "topic " + what.topic + " was not declared"}};
    const auto made = outbox_item(what, nth);
    std::string body;
    encode_item(body, made);
    on.send(outbox_->insert_one, row_of(*outbox_, made, body));
}

bool postgres_events::receive(postgres_connection& on, const delivery& what) const {
    const auto made = inbox_item(what, time_.now());
    std::string body;
    encode_item(body, made);
    std::int64_t fresh = 0;
    on.send(inbox_->insert_absent, row_of(*inbox_, made, body), {}, &fresh);
    on.settle();
    return fresh == 1;
}

}  // namespace stoa
