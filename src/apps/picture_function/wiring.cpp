#include "apps/picture_function/wiring.hpp"

#include "adapters/aws/msk_token.hpp"
#include "adapters/kafka/kafka_permissions.hpp"
#include "adapters/kafka/kafka_publisher.hpp"
#include "adapters/s3/s3_objects.hpp"
#include "adapters/vips/isolated_renderer.hpp"
#include "apps/functions/amazon.hpp"
#include "services/product/image_resize_function.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace stoa::functions {
namespace {

constexpr std::string_view name = "product-image-processor";
// A picture comes as one answer.
constexpr std::int64_t largest_answer_bytes = picture_limits{}.bytes + (1 << 20);

constexpr variable variables[] = {
    {"KAFKA_BROKERS", true, false, "host:port by commas"},
    {"KAFKA_SECURITY_PROTOCOL", true, false,
     "PLAINTEXT (where none is given), SSL, SASL_PLAINTEXT or SASL_SSL"},
    {"KAFKA_SASL_MECHANISM", true, false,
     "AWS_MSK_IAM with the function's own role; PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
    {"KAFKA_TOPIC_PREFIX", true, false, "before the topic's name"},
    {"KAFKA_SASL_USERNAME", false, false, "with PLAIN and SCRAM"},
    {"KAFKA_SASL_PASSWORD", false, true, "with PLAIN and SCRAM"},
    {"KAFKA_SSL_CA_FILE", false, false, "PEM of whom Kafka's certificates must be from"},
    {"KAFKA_SSL_CERTIFICATE_FILE", false, false, "PEM of the function's certificate"},
    {"KAFKA_SSL_KEY_FILE", false, false, "PEM of its key"},
};

constexpr std::string_view object_actions[] = {"s3:GetObject", "s3:PutObject",
                                               // Without it an object that is gone is "forbidden".
                                               "s3:ListBucket"};
constexpr auto permissions = [] {
    std::array<std::string_view, std::size(object_actions) + std::size(kafka_cluster_actions) +
                                     std::size(kafka_write_actions)>
        out;
    auto* at = std::ranges::copy(object_actions, out.begin()).out;
    at = std::ranges::copy(kafka_cluster_actions, at).out;
    std::ranges::copy(kafka_write_actions, at);
    return out;
}();

// Lambda gives a process its role's credentials as variables, good for longer than it lives.
kafka_token_source tokens_of_role(const host_needs& host) {
    return [from = host.from, &time = host.time,
            region = text_of(host, "AWS_REGION")]() -> result<kafka_token> {
        const auto variable = [&](std::string_view of) { return from(of).value_or(""); };
        const aws::credentials by{.access_key_id = variable("AWS_ACCESS_KEY_ID"),
                                  .secret_access_key = variable("AWS_SECRET_ACCESS_KEY"),
                                  .session_token = variable("AWS_SESSION_TOKEN"),
                                  .expires_at = {},
                                  .source = "the environment"};
        if (by.access_key_id.empty() || by.secret_access_key.empty())
            return fail(errc::invalid, "aws_credentials_missing",
                        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the function's "
                        "environment");
        auto made = aws::make_msk_token(region, by, time.now(), "stoa/" STOA_VERSION);
        return kafka_token{std::move(made.text), made.expires_at, by.access_key_id};
    };
}

result<kafka_options> kafka_of(const host_needs& host) {
    kafka_options out{
        .protocol = text_of(host, "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT"),
        .mechanism = text_of(host, "KAFKA_SASL_MECHANISM"),
        .username = text_of(host, "KAFKA_SASL_USERNAME"),
        .password = text_of(host, "KAFKA_SASL_PASSWORD"),
        .ca_file = text_of(host, "KAFKA_SSL_CA_FILE"),
        .certificate_file = text_of(host, "KAFKA_SSL_CERTIFICATE_FILE"),
        .key_file = text_of(host, "KAFKA_SSL_KEY_FILE"),
        .client_id = std::string(name),
        .prefix = text_of(host, "KAFKA_TOPIC_PREFIX"),
        .topics = {{.name = products::topic::images_processed}},
        .dead_letters = false,
    };
    STOA_TRY(out.brokers, required(host, "KAFKA_BROKERS"));
    if (out.mechanism == msk_iam) out.token = tokens_of_role(host);
    return out;
}

class pictures_in_lambda final : public function {
 public:
    pictures_in_lambda(const host_needs& host, kafka_options kafka)
        : amazon_(host, largest_answer_bytes),
          objects_({.region = amazon_.region, .endpoint_url = endpoint(host, "S3")},
                   amazon_.credentials, amazon_.here, host.time, host.random),
          publisher_(std::move(kafka)),
          resize_({objects_, renderer_, publisher_, host.time, host.random, host.measured}) {}

    // What cannot be, told before the first event.
    result<void> begin(const host_needs& host) {
        STOA_TRY_VOID(check_region(amazon_, endpoint(host, "S3")));
        return publisher_.open();
    }
    task<result<outcome>> handle(trigger what, invocation call) override {
        return resize_.handle(std::move(what), std::move(call));
    }

 private:
    amazon amazon_;
    s3_objects objects_;
    isolated_renderer renderer_;
    kafka_publisher publisher_;
    products::image_resize_function resize_;
};

result<std::unique_ptr<function>> open(const host_needs& host) {
    STOA_TRY(auto kafka, kafka_of(host));
    auto out = std::make_unique<pictures_in_lambda>(host, std::move(kafka));
    STOA_TRY_VOID(out->begin(host));
    return out;
}

constexpr function_row rows[] = {{name, variables, permissions, open}};

}  // namespace

std::span<const function_row> pictured_functions() { return rows; }

}  // namespace stoa::functions
