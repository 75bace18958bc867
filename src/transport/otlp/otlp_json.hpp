// ExportTraceServiceRequest of OTLP 1 in its JSON form: ids as hexadecimal digits, 64-bit numbers
// as text, enumerations as numbers (the protocol's own departures from proto3 JSON).
#pragma once

#include "runtime/trace.hpp"

#include <span>

namespace stoa::otlp {

// Who speaks: the resource and the scope of every span.
struct identity {
    std::string service_name;
    std::string service_version;
    std::string instance_id;
};

std::string traces_json(std::span<const stoa::span> spans, const identity& from);

}  // namespace stoa::otlp
