#include "apps/stoa/wiring_msk.hpp"

#include "adapters/aws/msk_token.hpp"
#include "adapters/system/system_clock.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "runtime/task.hpp"
#include "transport/http/client.hpp"

#include <boost/asio/co_spawn.hpp>

#include <mutex>

namespace stoa {
namespace {

// A loop of its own, which runs while somebody asks: the asker is a thread of librdkafka, and the
// shop's loops may be waiting for Kafka at that moment, as when it is opened.
class msk_signer {
 public:
    explicit msk_signer(const settings& from)
        : region_(from.text("aws_region")),
          known_(
              region_, [this]() -> http_client& { return client_; }, time_, random_,
              aws_environment(from)) {}

    result<kafka_token> sign() {
        const std::scoped_lock lock(mutex_);
        result<aws::credentials> found =
            fail(errc::internal, "no_credentials", "looking for AWS credentials broke off");
        on_.restart();
        asio::co_spawn(on_, known_.get(),
                       [&](const std::exception_ptr& thrown, result<aws::credentials> got) {
                           on_.stop();
                           // No exception may leave for librdkafka, which is C.
                           if (!thrown) found = std::move(got);
                       });
        on_.run();
        if (!found) return std::unexpected(std::move(found).error());
        auto made = aws::make_msk_token(region_, *found, time_.now(), "stoa/" STOA_VERSION);
        return kafka_token{std::move(made.text), made.expires_at, found->access_key_id};
    }

 private:
    std::mutex mutex_;
    std::string region_;
    loop on_{1};
    http::async_client client_{on_, {}};
    system_clock time_;
    system_random random_;
    aws::credentials_chain known_;
};

}  // namespace

kafka_token_source msk_tokens(const settings& from) {
    return [signer = std::make_shared<msk_signer>(from)] { return signer->sign(); };
}

}  // namespace stoa
