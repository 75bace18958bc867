#include "transport/grpc/protobuf_codec.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <set>

namespace stoa::rpc {

namespace pb = google::protobuf;
using field_type = pb::FieldDescriptor::CppType;

struct field_pair {
    const member* from = nullptr;
    const type* value = nullptr;  // of one element: without its optional or list
    const pb::FieldDescriptor* field = nullptr;
    bool optional = false, list = false;
    std::vector<field_pair> inner;  // of a record
};

namespace {

constexpr std::int64_t micros_a_second = 1'000'000;

std::string field_name(const member& of, kind what) {
    std::string out(of.name);
    if (what == kind::money) out += "_minor";
    if (what == kind::json) out += "_json";
    return out;
}

bool carries(const pb::FieldDescriptor& field, const type& value) {
    switch (value.what) {
        case kind::boolean:
            return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_BOOL;
        case kind::integer:
            return field.cpp_type() == (value.highest > INT32_MAX
                                            ? pb::FieldDescriptor::CPPTYPE_INT64
                                            : pb::FieldDescriptor::CPPTYPE_INT32);
        case kind::money:
            return field.cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64;
        case kind::text:
        case kind::enumeration:
        case kind::currency:
        case kind::json:
            return field.type() == pb::FieldDescriptor::TYPE_STRING;
        case kind::timestamp:
            return field.message_type() == pb::Timestamp::descriptor();
        case kind::record:
            return field.message_type() && field.message_type() != pb::Timestamp::descriptor();
        case kind::optional:
        case kind::list:
            return false;
    }
    return false;
}

error mismatch(const pb::Descriptor& message, const std::string& what) {
    return {.kind = errc::internal,
            .code = "proto_mismatch",
            .detail = "api/proto: " + message.full_name() + ": " + what};
}

result<std::vector<field_pair>> pair_fields(const type& of, const pb::Descriptor& message) {
    std::vector<field_pair> out;
    std::set<const pb::FieldDescriptor*> paired;
    for (const auto& each : of.members) {
        field_pair one{.from = &each, .value = each.of};
        one.optional = one.value->what == kind::optional;
        one.list = one.value->what == kind::list;
        if (one.optional || one.list) one.value = one.value->element;
        const auto name = field_name(each, one.value->what);
        one.field = message.FindFieldByName(name);
        if (!one.field)
            return fail(mismatch(message, "there is no field " + name + " for the member of " +
                                              std::string(of.name)));
        if (one.field->is_repeated() != one.list || !carries(*one.field, *one.value))
            return fail(mismatch(message, name + " is of another type than the member"));
        // A message has presence without the word.
        if (one.optional && !one.field->has_presence())
            return fail(mismatch(message, name + " must be optional"));
        if (!one.optional && one.field->has_optional_keyword())
            return fail(mismatch(message, name + " is optional, the member is not"));
        if (one.value->what == kind::record) {
            STOA_TRY(one.inner, pair_fields(*one.value, *one.field->message_type()));
        }
        paired.insert(one.field);
        out.push_back(std::move(one));
    }
    for (int i = 0; i < message.field_count(); ++i)
        if (!paired.contains(message.field(i)))
            return fail(mismatch(
                message, message.field(i)->name() + " has no member in " + std::string(of.name)));
    return out;
}

// --- out

void write_record(const std::vector<field_pair>& fields, const void* value, pb::Message& out);

std::string text_of(const type& of, const void* value) {
    switch (of.what) {
        case kind::text:
            return *static_cast<const std::string*>(value);
        case kind::currency:
            return std::string(static_cast<const currency_code*>(value)->text());
        case kind::json:
            return static_cast<const json_text*>(value)->text;
        default:
            return std::string(of.words[static_cast<std::size_t>(of.load(value))]);
    }
}

void write_time(timestamp at, pb::Message& into) {
    auto& out = static_cast<pb::Timestamp&>(into);
    auto whole = at.micros / micros_a_second, rest = at.micros % micros_a_second;
    if (rest < 0) {
        rest += micros_a_second;
        --whole;
    }
    out.set_seconds(whole);
    out.set_nanos(static_cast<std::int32_t>(rest * 1'000));
}

// One value into a field, or onto the end of a repeated one.
void write_value(const field_pair& pair, const void* value, pb::Message& out) {
    const auto* how = out.GetReflection();
    const auto* field = pair.field;
    switch (pair.value->what) {
        case kind::boolean: {
            const bool b = *static_cast<const bool*>(value);
            pair.list ? how->AddBool(&out, field, b) : how->SetBool(&out, field, b);
            return;
        }
        case kind::integer:
        case kind::money: {
            const auto n = pair.value->what == kind::money ? static_cast<const money*>(value)->minor
                                                           : pair.value->load(value);
            if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64)
                pair.list ? how->AddInt64(&out, field, n) : how->SetInt64(&out, field, n);
            else
                pair.list ? how->AddInt32(&out, field, static_cast<std::int32_t>(n))
                          : how->SetInt32(&out, field, static_cast<std::int32_t>(n));
            return;
        }
        case kind::timestamp:
            write_time(
                *static_cast<const timestamp*>(value),
                pair.list ? *how->AddMessage(&out, field) : *how->MutableMessage(&out, field));
            return;
        case kind::record:
            write_record(
                pair.inner, value,
                pair.list ? *how->AddMessage(&out, field) : *how->MutableMessage(&out, field));
            return;
        default: {
            auto text = text_of(*pair.value, value);
            pair.list ? how->AddString(&out, field, std::move(text))
                      : how->SetString(&out, field, std::move(text));
        }
    }
}

void write_record(const std::vector<field_pair>& fields, const void* value, pb::Message& out) {
    for (const auto& pair : fields) {
        void* at = pair.from->in(unconst(value));
        if (!pair.optional && !pair.list) {
            write_value(pair, at, out);
            continue;
        }
        const auto count = pair.from->of->count(at);
        for (std::size_t i = 0; i < count; ++i) write_value(pair, pair.from->of->at(at, i), out);
    }
}

// --- in

struct reading {
    currency_code amounts_in;
    std::string path;
    problems& found;

    void problem(std::string_view code, std::string detail) {
        found.push_back({path, std::string(code), std::move(detail), {}});
    }
};

void read_record(const std::vector<field_pair>& fields, const pb::Message& in, void* value,
                 reading at);

void read_text_field(const std::string& text, const field_pair& pair, void* value, reading& at) {
    switch (pair.value->what) {
        case kind::text:
            *static_cast<std::string*>(value) = text;
            return;
        case kind::json:
            *static_cast<json_text*>(value) = {text.empty() ? "null" : text};
            return;
        case kind::currency:
            if (const auto code = read_currency(text)) *static_cast<currency_code*>(value) = *code;
            else at.problem("currency", "`" + text + "` is no ISO 4217 code");
            return;
        default: {
            const auto& words = pair.value->words;
            const auto found = std::ranges::find(words, text);
            if (found == words.end())
                at.problem("unknown_word", "`" + text + "` is none of its values");
            else pair.value->store(value, found - words.begin());
        }
    }
}

void read_time(const pb::Message& in, void* value, reading& at) {
    const auto& from = static_cast<const pb::Timestamp&>(in);
    constexpr std::int64_t last_second = 253'402'300'799;  // of the year 9999
    constexpr std::int64_t first_second = -62'167'219'200;
    if (from.seconds() < first_second || from.seconds() > last_second || from.nanos() < 0 ||
        from.nanos() > 999'999'999)
        return at.problem("date_time", "not a point in time");
    static_cast<timestamp*>(value)->micros =
        from.seconds() * micros_a_second + from.nanos() / 1'000;
}

// The index-th element of a repeated field, or the field itself.
void read_value(const field_pair& pair, const pb::Message& in, int index, void* value, reading at) {
    const auto* how = in.GetReflection();
    const auto* field = pair.field;
    std::string scratch;
    switch (pair.value->what) {
        case kind::boolean:
            *static_cast<bool*>(value) =
                pair.list ? how->GetRepeatedBool(in, field, index) : how->GetBool(in, field);
            return;
        case kind::integer:
        case kind::money: {
            std::int64_t n = 0;
            if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64)
                n = pair.list ? how->GetRepeatedInt64(in, field, index) : how->GetInt64(in, field);
            else n = pair.list ? how->GetRepeatedInt32(in, field, index) : how->GetInt32(in, field);
            if (pair.value->what == kind::money) *static_cast<money*>(value) = {n, at.amounts_in};
            else if (n < pair.value->lowest || n > pair.value->highest)
                at.problem("out_of_range", std::to_string(n) + " is out of range");
            else pair.value->store(value, n);
            return;
        }
        case kind::timestamp:
            return read_time(
                pair.list ? how->GetRepeatedMessage(in, field, index) : how->GetMessage(in, field),
                value, at);
        case kind::record:
            return read_record(
                pair.inner,
                pair.list ? how->GetRepeatedMessage(in, field, index) : how->GetMessage(in, field),
                value, std::move(at));
        default:
            read_text_field(pair.list ? how->GetRepeatedStringReference(in, field, index, &scratch)
                                      : how->GetStringReference(in, field, &scratch),
                            pair, value, at);
    }
}

// The currency member may stand after the amounts, so it is looked up first.
void take_currency(const std::vector<field_pair>& fields, const pb::Message& in, reading& at) {
    for (const auto& pair : fields) {
        if (pair.from->name != "currency" || pair.value->what != kind::currency || pair.list)
            continue;
        if (pair.field->has_presence() && !in.GetReflection()->HasField(in, pair.field)) return;
        if (const auto code = read_currency(in.GetReflection()->GetString(in, pair.field)))
            at.amounts_in = *code;
    }
}

void read_record(const std::vector<field_pair>& fields, const pb::Message& in, void* value,
                 reading at) {
    take_currency(fields, in, at);
    const auto* how = in.GetReflection();
    const auto place = at.path.empty() ? std::string() : at.path + '.';
    for (const auto& pair : fields) {
        void* into = pair.from->in(value);
        at.path = place + std::string(pair.from->name);
        if (pair.list) {
            const int count = how->FieldSize(in, pair.field);
            for (int i = 0; i < count; ++i) {
                auto element = at;
                element.path += '[' + std::to_string(i) + ']';
                read_value(pair, in, i, pair.from->of->append(into), std::move(element));
            }
        } else if (pair.optional) {
            if (how->HasField(in, pair.field))
                read_value(pair, in, 0, pair.from->of->append(into), at);
        } else if (pair.field->message_type() && !how->HasField(in, pair.field)) {
            at.problem("required", "it is missing");
        } else {
            read_value(pair, in, 0, into, at);
        }
    }
}

}  // namespace

message_pairing::message_pairing() = default;
message_pairing::message_pairing(message_pairing&&) noexcept = default;
message_pairing& message_pairing::operator=(message_pairing&&) noexcept = default;
message_pairing::~message_pairing() = default;

result<message_pairing> message_pairing::make(const type& of, const pb::Descriptor& message) {
    message_pairing out;
    out.of_ = &of;
    out.prototype_ = pb::MessageFactory::generated_factory()->GetPrototype(&message);
    STOA_TRY(out.fields_, pair_fields(of, message));
    return out;
}

std::string message_pairing::write(const void* value) const {
    const std::unique_ptr<pb::Message> out(prototype_->New());
    write_record(fields_, value, *out);
    return out->SerializeAsString();
}

problems message_pairing::read(std::string_view bytes, void* value, currency_code shop) const {
    problems found;
    const std::unique_ptr<pb::Message> in(prototype_->New());
    if (!in->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        found.push_back({"", "syntax", "the bytes are no " + prototype_->GetTypeName(), {}});
        return found;
    }
    read_record(fields_, *in, value, {.amounts_in = shop, .path = {}, .found = found});
    return found;
}

}  // namespace stoa::rpc
