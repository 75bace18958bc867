#include "apps/functions/wiring.hpp"

#include "adapters/aws/digests.hpp"
#include "adapters/dynamodb/dynamodb_key_value.hpp"
#include "adapters/s3/s3_objects.hpp"
#include "adapters/smtp/smtp_notifier.hpp"
#include "adapters/sns/sns_notifier.hpp"
#include "adapters/sqs/sqs_queue.hpp"
#include "apps/functions/amazon.hpp"
#include "apps/functions/secret.hpp"
#include "services/notification/notification_function.hpp"
#include "services/product/product_import_function.hpp"
#include "services/product/product_rows_remote.hpp"

#include <algorithm>
#include <array>

namespace stoa::functions {
namespace {

constexpr std::int64_t largest_answer_bytes = 8 << 20;

// --- product-import ----------

constexpr variable import_variables[] = {
    {"PRODUCT_API_URL", true, false, "the shop's address, as https://shop.example.com"},
    {"PRODUCT_API_KEY_SECRET", true, false,
     "ARN of the secret that holds an API key of the shop with the scope products:write"},
    {"PRODUCT_API_KEY", false, true, "the key itself, instead of PRODUCT_API_KEY_SECRET"},
};
constexpr std::string_view import_permissions[] = {"s3:GetObject", "s3:PutObject",
                                                   "secretsmanager:GetSecretValue"};

// Asks for the shop's key when it is first needed, and again when the shop refuses it.
class keyed_importer final : public products::row_importer {
 public:
    keyed_importer(http_client& http, std::string url, secret_source key)
        : http_(http), url_(std::move(url)), key_(std::move(key)) {}

    task<result<products::rows_report>> import_rows(products::rows_request wanted) override {
        STOA_CO_TRY(auto key, co_await key_.get());
        products::remote_row_importer to(http_, {.url = url_, .key = std::move(key)});
        auto told = co_await to.import_rows(std::move(wanted));
        if (!told && told.error().code == "product_api_refused") key_.forget();
        co_return told;
    }

 private:
    http_client& http_;
    std::string url_;
    secret_source key_;
};

class import_in_lambda final : public function {
 public:
    import_in_lambda(const host_needs& host, std::string url)
        : amazon_(host, largest_answer_bytes),
          objects_({.region = amazon_.region, .endpoint_url = endpoint(host, "S3")},
                   amazon_.credentials, amazon_.here, host.time, host.random),
          shop_(amazon_.client, std::move(url),
                secret_source({.given = text_of(host, "PRODUCT_API_KEY"),
                               .arn = text_of(host, "PRODUCT_API_KEY_SECRET"),
                               .region = amazon_.region,
                               .endpoint = endpoint(host, "SECRETS_MANAGER")},
                              amazon_.credentials, amazon_.here, host.time, host.random)),
          import_({objects_, shop_, host.time, host.random, host.measured,
                   [](std::string_view text) { return aws::hex(aws::sha256(text)); }}) {}
    task<result<outcome>> handle(trigger what, invocation call) override {
        return import_.handle(std::move(what), std::move(call));
    }
    const amazon& by() const { return amazon_; }

 private:
    amazon amazon_;
    s3_objects objects_;
    keyed_importer shop_;
    products::product_import_function import_;
};

result<std::unique_ptr<function>> open_import(const host_needs& host) {
    STOA_TRY(auto url, required(host, "PRODUCT_API_URL"));
    STOA_TRY_VOID(http::check_url(url));
    if (text_of(host, "PRODUCT_API_KEY").empty())
        STOA_TRY_VOID(required(host, "PRODUCT_API_KEY_SECRET"));
    auto out = std::make_unique<import_in_lambda>(host, std::move(url));
    STOA_TRY_VOID(check_region(out->by(), endpoint(host, "S3")));
    return out;
}

// --- ecommerce-notification ----------

constexpr variable notification_variables[] = {
    {"KAFKA_BROKERS", true, false,
     "the brokers of the cluster whose topics call it; Lambda itself reads them"},
    {"SNS_TOPIC_ARN", true, false, "the topic whose subscribers get what customers are told"},
    {"DEAD_LETTER_QUEUE_URL", true, false, "queue for records of Kafka that are no order events"},
    {"DYNAMODB_TABLE_PREFIX", true, false, "before the name of the table ecommerce-notifications"},
    {"NOTIFICATION_CHANNELS", false, false, "email, sms or both with a comma (default: email)"},
    {"SMTP_URL", false, true, "a mail server for e-mail instead of the topic, that of SES too"},
    {"SMTP_CA_FILE", false, false, "whom that server's certificate must be from"},
    {"MAIL_FROM", false, false, "the shop's address in mails"},
    {"SHOP_NAME", false, false, "how the shop signs (default: Stoa)"},
};
constexpr std::string_view notification_permissions[] = {"dynamodb:GetItem", "dynamodb:PutItem",
                                                         "sns:Publish", "sqs:SendMessage"};

result<std::vector<std::string>> channels_of(const host_needs& host) {
    const auto text = text_of(host, "NOTIFICATION_CHANNELS", "email");
    std::vector<std::string> out;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find(',', at), text.size());
        out.push_back(text.substr(at, end - at));
        if (out.back() != "email" && out.back() != "sms")
            return fail(errc::invalid, "setting_ill_formed",
                        "NOTIFICATION_CHANNELS has '" + out.back() +
                            "'; it is email, sms or both with a comma");
        at = end + 1;
    }
    return out;
}

// E-mail by a mail server, everything else by SNS.
class by_channel final : public notifier {
 public:
    by_channel(notifier& mail, notifier& rest) : mail_(mail), rest_(rest) {}
    task<result<void>> send(stoa::message what) override {
        return (what.channel == "email" ? mail_ : rest_).send(std::move(what));
    }

 private:
    notifier& mail_;
    notifier& rest_;
};

class notification_in_lambda final : public function {
 public:
    notification_in_lambda(const host_needs& host, std::optional<smtp_settings> mail,
                           notifications::notification_function_settings settings)
        : amazon_(host, largest_answer_bytes),
          items_({.region = amazon_.region,
                  .endpoint_url = endpoint(host, "DYNAMODB"),
                  .table_prefix = text_of(host, "DYNAMODB_TABLE_PREFIX")},
                 amazon_.credentials, amazon_.here, host.time, host.random),
          sns_({.region = amazon_.region,
                .endpoint_url = endpoint(host, "SNS"),
                .topic_arn = text_of(host, "SNS_TOPIC_ARN")},
               amazon_.credentials, amazon_.here, host.time, host.random),
          queues_({.region = amazon_.region, .endpoint_url = endpoint(host, "SQS")},
                  amazon_.credentials, amazon_.here, host.time, host.random) {
        if (mail) mail_.emplace(*std::move(mail), host.time, host.pool);
        settings.email_needs_address = mail_.has_value();
        outside_.emplace(mail_ ? static_cast<notifier&>(*mail_) : sns_, sns_);
        tell_.emplace(
            notifications::notification_function::needs{items_, *outside_, queues_, host.time,
                                                        host.random, host.measured},
            std::move(settings));
    }
    task<result<outcome>> handle(trigger what, invocation call) override {
        return tell_->handle(std::move(what), std::move(call));
    }
    const amazon& by() const { return amazon_; }

 private:
    amazon amazon_;
    dynamodb_key_value items_;
    sns_notifier sns_;
    sqs_queue queues_;
    std::optional<smtp_notifier> mail_;
    std::optional<by_channel> outside_;
    std::optional<notifications::notification_function> tell_;
};

result<std::unique_ptr<function>> open_notification(const host_needs& host) {
    notifications::notification_function_settings settings{
        .shop_name = text_of(host, "SHOP_NAME", "Stoa"),
        .dead_letters = text_of(host, "DEAD_LETTER_QUEUE_URL")};
    STOA_TRY(settings.channels, channels_of(host));
    std::optional<smtp_settings> mail;
    if (const auto url = text_of(host, "SMTP_URL"); !url.empty()) {
        STOA_TRY(const auto from, required(host, "MAIL_FROM"));
        STOA_TRY(mail, read_smtp_url(url, from));
        mail->ca_file = text_of(host, "SMTP_CA_FILE", host.ca_file);
    }
    const bool by_sns =
        !mail || std::ranges::find(settings.channels, "sms") != settings.channels.end();
    if (by_sns) STOA_TRY_VOID(required(host, "SNS_TOPIC_ARN"));
    auto out = std::make_unique<notification_in_lambda>(host, std::move(mail), std::move(settings));
    STOA_TRY_VOID(check_region(out->by(), endpoint(host, "DYNAMODB")));
    return out;
}

constexpr function_row rows[] = {
    {"product-import", import_variables, import_permissions, open_import},
    {"ecommerce-notification", notification_variables, notification_permissions, open_notification},
};

}  // namespace

std::span<const function_row> zipped_functions() { return rows; }

}  // namespace stoa::functions
