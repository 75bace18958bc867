// Described structs as messages of api/proto: by reflection, over fields that were paired once.
//
// A member stands under its own name; amounts as `<name>_minor` (int64), JSON values as
// `<name>_json` (string), times as google.protobuf.Timestamp, enumerations and currencies as
// strings.
#pragma once

#include "base/described.hpp"

#include <string>

namespace google::protobuf {
class Descriptor;
class Message;
}  // namespace google::protobuf

namespace stoa::rpc {

struct field_pair;

// A type and the message that carries it. Immutable once made. Thread rule: any thread.
class message_pairing {
 public:
    // Errors name the member without a field, the field without a member, or the pair whose types
    // differ: the .proto and the struct disagree, and the program must not start.
    static result<message_pairing> make(const type& of,
                                        const google::protobuf::Descriptor& message);
    message_pairing(message_pairing&&) noexcept;
    message_pairing& operator=(message_pairing&&) noexcept;
    ~message_pairing();

    // A message's bytes. `value` is of the paired type.
    std::string write(const void* value) const;
    // Fills a fresh `value`. Amounts take the currency of the nearest `currency` member, else
    // `shop`. Every problem is named by its path; `syntax` where the bytes are no such message.
    problems read(std::string_view bytes, void* value, currency_code shop) const;

 private:
    message_pairing();
    const type* of_ = nullptr;
    const google::protobuf::Message* prototype_ = nullptr;
    std::vector<field_pair> fields_;
};

}  // namespace stoa::rpc
