#include "adapters/s3/s3_blob.hpp"
#include "contract/blob_engine.hpp"
#include "engines/aws_under_test.hpp"
#include "support/test_loop.hpp"

#include <stdexcept>

namespace stoa::testing {
namespace {

struct s3_under_test : aws_under_test {
    s3_blob store;
    explicit s3_under_test(std::string prefix)
        : store({.region = aws_test_region,
                 .endpoint_url = engine_address("STOA_TEST_S3"),
                 .bucket_prefix = std::move(prefix)},
                by, here, time, random) {}
};

// A store with everything that it stands on.
class whole_s3 final : public blob_store {
 public:
    explicit whole_s3(std::string prefix) : all_(std::move(prefix)) {}
    task<result<blob_info>> put(std::string bucket, std::string key, std::string content) override {
        return all_.store.put(std::move(bucket), std::move(key), std::move(content));
    }
    task<result<std::string>> get(std::string bucket, std::string key) override {
        return all_.store.get(std::move(bucket), std::move(key));
    }
    task<result<std::unique_ptr<blob_writer>>> create(std::string bucket,
                                                      std::string key) override {
        return all_.store.create(std::move(bucket), std::move(key));
    }
    task<result<std::unique_ptr<blob_reader>>> open(std::string bucket, std::string key) override {
        return all_.store.open(std::move(bucket), std::move(key));
    }
    task<result<std::vector<blob_info>>> list(std::string bucket, std::string prefix) override {
        return all_.store.list(std::move(bucket), std::move(prefix));
    }
    task<result<void>> erase(std::string bucket, std::string key) override {
        return all_.store.erase(std::move(bucket), std::move(key));
    }

 private:
    s3_under_test all_;
};

// Buckets have names of lower-case letters and digits.
std::string prefix_of(const std::string& directory) {
    return "c" + std::to_string(std::hash<std::string>()(directory) % 1'000'000'000) + "-";
}

}  // namespace

blob_kind s3_kind() {
    return {"s3", [](const std::string& directory, blocking_pool&) -> std::unique_ptr<blob_store> {
                test_loop own;
                const auto prefix = prefix_of(directory);
                {
                    s3_under_test made(prefix);
                    const auto done = own.run([&] {
                        return made.store.ensure_buckets({"images", "exports", "nothing"});
                    });
                    if (!done) throw std::runtime_error(done.error().detail);
                }
                return std::make_unique<whole_s3>(prefix);
            }};
}

}  // namespace stoa::testing
