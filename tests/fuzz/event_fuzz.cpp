// Events: an item of the outbox gives the event that was put there and nothing else is taken for
// one; payloads of every topic are read or refused, and what is read is written as it was.
#include "adapters/outbox/outbox.hpp"
#include "base/json.hpp"
#include "base/json_check.hpp"
#include "fuzz/fuzz.hpp"
#include "ports/item_codec.hpp"
#include "ports/sql.hpp"
#include "services/activity/activity_events.hpp"
#include "services/order/order_events.hpp"
#include "services/payment/payment_events.hpp"
#include "services/product/product_events.hpp"
#include "services/user/user_events.hpp"

namespace {

using stoa::fuzz::must;

template <class T>
void payload(std::string_view text, stoa::naming names) {
    const auto value = stoa::from_json<T>(text, {}, names);
    if (!value) {
        const auto kind = value.error().kind;
        must(kind == stoa::errc::malformed || kind == stoa::errc::invalid,
             "a bad payload is the sender's, and goes to the dead letters");
        return;
    }
    const auto written = stoa::to_json(*value, names);
    const auto again = stoa::from_json<T>(written, {}, names);
    must(again && stoa::to_json(*again, names) == written, "a payload comes back");
}

void payloads(std::string_view text) {
    using enum stoa::naming;
    payload<stoa::orders::order_event>(text, snake);
    payload<stoa::orders::payment_requested>(text, camel);
    payload<stoa::orders::close_requested>(text, camel);
    payload<stoa::orders::refund_requested>(text, camel);
    payload<stoa::payments::payment_succeeded>(text, camel);
    payload<stoa::payments::payment_failed>(text, camel);
    payload<stoa::payments::payment_closed>(text, camel);
    payload<stoa::payments::payment_refunded>(text, camel);
    payload<stoa::products::product_deleted>(text, camel);
    payload<stoa::products::product_restored>(text, camel);
    payload<stoa::products::product_changed>(text, snake);
    payload<stoa::users::password_reset_requested>(text, snake);
    payload<stoa::users::email_verification_requested>(text, snake);
    payload<stoa::activities::viewer_event>(text, snake);
}

bool same(const stoa::event& a, const stoa::event& b) {
    return a.topic == b.topic && a.key == b.key && a.id == b.id && a.type == b.type &&
           a.version == b.version && a.occurred_at == b.occurred_at &&
           a.traceparent == b.traceparent && a.payload == b.payload;
}

void through_the_outbox(stoa::fuzz::input in) {
    constexpr std::int64_t year_9999_micros = 253'402'300'800'000'000;
    stoa::event sent;
    sent.version = static_cast<std::int64_t>(in.number() >> 1);
    sent.occurred_at.micros =
        static_cast<std::int64_t>(in.number() % static_cast<std::uint64_t>(year_9999_micros));
    for (auto* text : {&sent.topic, &sent.key, &sent.id, &sent.type, &sent.traceparent})
        *text = in.piece();
    sent.payload = in.rest();
    std::string bytes;
    stoa::encode_item(bytes, stoa::outbox_item(sent, 0));
    const auto came = stoa::event_of_outbox(stoa::decode_item(bytes));
    if (sent.topic.empty() || sent.id.empty()) must(!came, "without topic or id it is no event");
    else must(came && same(*came, sent), "an event comes back");

    // Places are text: they must sort as the versions do.
    auto later = sent;
    if (sent.version == INT64_MAX) return;
    ++later.version;
    must(stoa::outbox_item(sent, 99).text("place") < stoa::outbox_item(later, 0).text("place"),
         "the outbox is in the order of versions");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const stoa::fuzz::input in(data, size);
    payloads(in.rest());
    through_the_outbox(in);
    try {
        const auto read = stoa::event_of_outbox(stoa::decode_item(in.rest()));
        if (read) must(!read->topic.empty() && !read->id.empty(), "an event has topic and id");
        else must(read.error().code == "stored_item_ill_formed", "else it is called ill-formed");
    } catch (const stoa::sql_failure& e) {
        must(e.why.code == "item_ill_formed", "bytes that are not ours are called so");
    }
    return 0;
}
