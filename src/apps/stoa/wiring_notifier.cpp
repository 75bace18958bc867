#include "apps/stoa/wiring_notifier.hpp"

#include "adapters/mailbox/outbox_file.hpp"
#include "adapters/smtp/smtp_notifier.hpp"
#include "adapters/sns/sns_notifier.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "transport/http/client.hpp"

#include <algorithm>

namespace stoa {
namespace {

result<sns_options> sns_of(const settings& from) {
    sns_options out{.region = from.text("aws_region"),
                    .endpoint_url = endpoint_of(from, "aws_endpoint_url_sns"),
                    .topic_arn = from.text("sns_topic_arn")};
    STOA_TRY_VOID(
        aws::check_options({.service = "sns", .region = out.region, .endpoint = out.endpoint_url}));
    if (!out.topic_arn.starts_with("arn:"))
        return fail(bad_setting("sns_topic_arn",
                                "(SNS_TOPIC_ARN) must name the topic for `notifier` = sns, as "
                                "arn:aws:sns:eu-west-1:123456789012:ecommerce-notifications"));
    return out;
}

// With connections of its own: the stores of a shop may be none of Amazon's.
class wired_sns final : public notifier {
 public:
    wired_sns(const settings& from, sns_options options, const notifier_needs& ports) {
        for (int i = 0; i < ports.loops.size(); ++i)
            clients_.push_back(
                std::make_unique<http::async_client>(ports.loops.at(i), http::client_settings{}));
        aws::http_here here = [this]() -> http_client& {
            return *clients_[static_cast<std::size_t>(std::max(0, loop_set::here()))];
        };
        credentials_ = std::make_unique<aws::credentials_chain>(
            options.region, here, ports.time, ports.random, aws_environment(from));
        sns_ = std::make_unique<sns_notifier>(std::move(options), *credentials_, here, ports.time,
                                              ports.random);
    }
    task<result<void>> send(message what) override { return sns_->send(std::move(what)); }

 private:
    std::vector<std::unique_ptr<http::async_client>> clients_;  // one a loop
    std::unique_ptr<aws::credentials_chain> credentials_;
    std::unique_ptr<sns_notifier> sns_;
};

}  // namespace

result<std::unique_ptr<notifier>> open_notifier(const settings& from, notifier_needs ports) {
    const auto& sender = from.text("mail_from");
    if (from.text("notifier") == "smtp") {
        auto read = read_smtp_url(from.text("smtp_url"), sender);
        if (!read) {
            read.error().detail.insert(0, "smtp_url (SMTP_URL): ");
            return std::unexpected(std::move(read).error());
        }
        auto server = *std::move(read);
        server.ca_file = from.text("smtp_ca_file");
        return std::make_unique<smtp_notifier>(std::move(server), ports.time, ports.files);
    }
    if (from.text("notifier") == "sns") {
        STOA_TRY(auto options, sns_of(from));
        return std::make_unique<wired_sns>(from, std::move(options), ports);
    }
    STOA_TRY(auto mailbox,
             outbox_file::open(from.text("data_dir") + "/mailbox.mbox", sender, ports.time,
                               ports.files, from.number("mailbox_mib") * 1'024 * 1'024));
    return mailbox;
}

task<result<void>> probe_sns(const settings& from, http_client& client, clock& time,
                             random_source& random) {
    STOA_CO_TRY(auto options, sns_of(from));
    const aws::http_here here = [&client]() -> http_client& { return client; };
    aws::credentials_chain credentials(options.region, here, time, random, aws_environment(from));
    sns_notifier to(std::move(options), credentials, here, time, random);
    co_return co_await to.check();
}

}  // namespace stoa
