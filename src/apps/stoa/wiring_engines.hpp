// The engines of one process, as the settings choose them: the embedded ones in one file, or
// PostgreSQL, DynamoDB, Kafka and S3. The services see the ports only.
#pragma once

#include "adapters/sqlite/sqlite_shop.hpp"
#include "apps/stoa/targets.hpp"
#include "ports/blob.hpp"
#include "ports/clock.hpp"
#include "ports/dead_letters.hpp"
#include "runtime/blocking_pool.hpp"
#include "runtime/loops.hpp"
#include "runtime/metrics.hpp"
#include "runtime/supervisor.hpp"

#include <memory>

namespace stoa {

// What the services have in the stores, whatever the engine.
std::vector<sql_component> shop_migrations();
std::vector<const kv_table*> shop_tables();
std::vector<topic_spec> shop_topics(const settings& from);
// A topic, or the dead letters of one, that only the embedded log has: a bucket that is a server
// tells its functions itself.
bool is_told_by_buckets(std::string_view topic);

// How the embedded stores are opened in a directory.
sqlite_options shop_options(const settings& from, const std::string& directory);
sqlite_options provider_options(const settings& from, const std::string& directory);

// A part of the shop that must be there before it is ready.
struct engine_state {
    std::string name;
    bool ready = false;
    std::string why_not;
};

// Thread rule: made, closed and destroyed by the main thread; the ports from any loop.
class engines {
 public:
    struct needs {
        loop_set& loops;
        clock& time;
        random_source& random;
        blocking_pool& files;
        std::string epoch;   // of this process
        target_set targets;  // only what they need is opened
        // A restore goes on into them; for anybody else check() fails while one has not ended.
        bool restores = false;
    };
    // Errors are for the user and name the setting. An engine that does not answer is none: the
    // shop is then up and not ready.
    static result<std::unique_ptr<engines>> open(const settings& from, needs ports);
    virtual ~engines() = default;

    virtual sql& database() = 0;
    virtual key_value& items() = 0;
    virtual event_log& log() = 0;
    virtual dead_letter_store& dead_letters() = 0;
    virtual blob_store& blobs() = 0;
    virtual key_value& provider_items() = 0;  // of the payment simulator

    // The embedded stores; null on real engines.
    virtual sqlite_shop* embedded() { return nullptr; }
    virtual sqlite_shop* embedded_provider() { return nullptr; }

    // On loop 0, before anything is served: whether tables, topics and buckets stand. `unavailable`
    // where an engine is away: asked again until it is there.
    virtual task<result<void>> check() = 0;
    // What the engines need done in the background: relays, expiry. On loop 0.
    virtual void start(supervisor& background) = 0;
    // At once.
    virtual std::vector<engine_state> states() const = 0;
    virtual void add_gauges(metrics& to) = 0;
    // On loop 0, before close(), once the services are still: uploads that were given up leave
    // nothing.
    virtual task<> finish() { co_return; }
    // No more work is taken; what has queued is carried out. Idempotent.
    virtual void close() = 0;
    // For `stoa migrate`: makes the schema, tables, topics and buckets that are missing. What
    // stands then, a line each. Blocks.
    static result<std::vector<std::string>> make(const settings& from);

    // Everything is in the stores of this one process.
    bool sole_process() { return embedded() != nullptr; }
};

// By the words of the settings: wiring_embedded.cpp, wiring_remote.cpp.
result<std::unique_ptr<engines>> open_embedded_engines(const settings& from, engines::needs ports);
result<std::unique_ptr<engines>> open_remote_engines(const settings& from, engines::needs ports);
result<std::vector<std::string>> make_remote_engines(const settings& from, engines::needs ports);

}  // namespace stoa
