// Tokens for Amazon MSK's IAM access control, of the credentials that every AWS tool finds.
#pragma once

#include "adapters/kafka/kafka_options.hpp"
#include "apps/stoa/settings.hpp"

namespace stoa {

// Nothing is looked for until the first token is asked for. Asking blocks, for seconds where the
// credentials come from another service; errors are those of the credentials.
kafka_token_source msk_tokens(const settings& from);

}  // namespace stoa
