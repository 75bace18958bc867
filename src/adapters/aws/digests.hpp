// The few digests and encodings that AWS's protocols are made of. Pure.
#pragma once

#include <string>
#include <string_view>

namespace stoa::aws {

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string md5(std::string_view bytes);  // 16 raw bytes; for checksums that are asked for as such
std::string hex(std::string_view bytes);  // lower-case
std::string base64(std::string_view bytes);
// RFC 3986: everything but unreserved characters is percent-encoded, `/` too unless it is kept.
std::string percent_encoded(std::string_view text, bool keep_slashes = false);
std::string percent_decoded(std::string_view text);  // ill-formed escapes stay as they are

}  // namespace stoa::aws
