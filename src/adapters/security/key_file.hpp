// The shop's secrets that must survive a restart: keys that sign tokens, and the key of digests.
// One JSON file in the data directory (or a mounted secret), readable by its owner alone.
#pragma once

#include "base/described.hpp"

#include <string>
#include <vector>

#include <sys/types.h>

namespace stoa {

// Ed25519. The public key follows from the seed.
struct signing_key {
    std::string kid;
    std::string seed;  // 32 bytes, base64url
    timestamp created_at;
};
BOOST_DESCRIBE_STRUCT(signing_key, (), (kid, seed, created_at))

struct key_ring {
    std::string active;             // the kid that signs; all of them verify
    std::vector<signing_key> keys;  // newest first
    std::string digest_key;  // 32 bytes, base64url; never changes: stored digests depend on it
};
BOOST_DESCRIBE_STRUCT(key_ring, (), (active, keys, digest_key))

// Errors, with the fix in the detail: `forbidden` key_file_permissions (others may read it),
// `invalid` key_file_ill_formed, `not_found` key_file_missing, `internal` key_file_unusable with
// the system's words.
result<key_ring> load_keys(const std::string& path);
// Makes the file where there is none; of two processes that do, one wins and both use its keys.
result<key_ring> load_or_create_keys(const std::string& path, timestamp now);
// A new key signs from now on. Former ones still verify; all but the `keep` newest are dropped.
result<key_ring> rotate_keys(const std::string& path, timestamp now, std::size_t keep = 3);

// Whether a file of keys may be believed to be ours alone. Ours: mode 0600 or less. Root's, where
// we are not root: its group may read it besides, which is how a mounted secret comes to us.
bool only_we_read(mode_t mode, uid_t owner, uid_t we);

// For tests and for rings that come from elsewhere.
key_ring make_key_ring(timestamp now);

}  // namespace stoa
