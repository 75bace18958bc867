// The token by which Amazon MSK's brokers know an IAM identity, as the bearer's of
// SASL/OAUTHBEARER: an address of the action kafka-cluster:Connect that is signed beforehand, in
// base64url. The scheme is that of Amazon's own signers (aws-msk-iam-sasl-signer); checked against
// what theirs makes.
#pragma once

#include "adapters/aws/sigv4.hpp"

namespace stoa::aws {

struct msk_token {
    std::string text;
    timestamp expires_at;  // 15 minutes after `now`, or with temporary credentials
};

// `region`: the cluster's, as eu-west-1. `made_by`: what CloudTrail shows as the client.
msk_token make_msk_token(const std::string& region, const credentials& by, timestamp now,
                         std::string_view made_by = "stoa");

}  // namespace stoa::aws
