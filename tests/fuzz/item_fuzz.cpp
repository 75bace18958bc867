// Stored items, as bytes and as records: bytes that are not ours are refused by name; what is read
// is written and read again as the same; and a record of any service survives the way to the store
// and back.
#include "base/json.hpp"
#include "fuzz/fuzz.hpp"
#include "ports/idempotency.hpp"
#include "ports/item_codec.hpp"
#include "ports/sql.hpp"
#include "services/notification/notification_store.hpp"
#include "services/order/order.hpp"
#include "services/payment/payment.hpp"

namespace {

using stoa::fuzz::must;

std::string bytes_of(const stoa::item& of) {
    std::string out;
    stoa::encode_item(out, of);
    return out;
}

// A newer version's item, or a damaged one: read whole or refused, and never half believed.
template <class T>
void as_record(const stoa::item& from) {
    const auto record = stoa::from_item<T>(from);
    if (!record) {
        must(record.error().code == "stored_item_ill_formed", "an odd item is called so");
        return;
    }
    const auto again = stoa::from_item<T>(stoa::decode_item(bytes_of(stoa::to_item(*record))));
    must(again && stoa::to_json(*again) == stoa::to_json(*record), "a record comes back");
}

void as_records(const stoa::item& from) {
    as_record<stoa::orders::order>(from);
    as_record<stoa::payments::payment>(from);
    as_record<stoa::notifications::notification_record>(from);
    as_record<stoa::idempotency_record>(from);
}

// The way in: what a client or an event may say, as an item.
template <class T>
void from_text(std::string_view text) {
    const auto value = stoa::from_json<T>(text);
    if (value) as_record<T>(stoa::to_item(*value));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    from_text<stoa::orders::order>(bytes);
    from_text<stoa::payments::payment>(bytes);
    from_text<stoa::notifications::notification_record>(bytes);
    from_text<stoa::idempotency_record>(bytes);
    std::optional<stoa::item> read;
    try {
        read = stoa::decode_item(bytes);
    } catch (const stoa::sql_failure& e) {
        must(e.why.code == "item_ill_formed", "bytes that are not ours are called so");
        return 0;
    }
    must(stoa::decode_item(bytes_of(*read)) == *read, "an item comes back");
    as_records(*read);
    return 0;
}
