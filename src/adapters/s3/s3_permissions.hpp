// What the adapter's calls must be allowed, by IAM's names.
#pragma once

#include <string_view>

namespace stoa {

// Of a service's own objects. HEAD of one is GetObject; parts are PutObject.
inline constexpr std::string_view s3_object_actions[] = {
    "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"};
// HEAD of a bucket; without it a missing object would be 403 instead of 404.
inline constexpr std::string_view s3_check_actions[] = {"s3:ListBucket"};

}  // namespace stoa
