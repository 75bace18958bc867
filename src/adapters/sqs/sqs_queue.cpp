#include "adapters/sqs/sqs_queue.hpp"

#include "adapters/aws/digests.hpp"
#include "base/json.hpp"

#include <simdjson.h>

#include <charconv>

namespace stoa {
namespace {

constexpr std::size_t largest_body_bytes = 256 * 1024;
constexpr seconds longest_wait{20};
constexpr hours longest_hidden{12};

auto refused_here(std::string_view code, std::string detail) {
    return fail(errc::invalid, code, std::move(detail));
}

class json_object {
 public:
    json_object& add(std::string_view name, std::string_view text) {
        begin(name);
        append_json_string(out_, text);
        return *this;
    }
    json_object& add(std::string_view name, std::int64_t number) {
        begin(name);
        out_ += std::to_string(number);
        return *this;
    }
    json_object& raw(std::string_view name, std::string_view json) {
        begin(name);
        out_ += json;
        return *this;
    }
    std::string text() const { return out_ + '}'; }

 private:
    void begin(std::string_view name) {
        if (out_.size() > 1) out_ += ',';
        append_json_string(out_, name);
        out_ += ':';
    }
    std::string out_ = "{";
};

std::unexpected<error> ill_formed(std::string_view why) {
    return fail(error{
        .kind = errc::unavailable,
        .code = "sqs_answer_ill_formed",
        .detail = "the answer of SQS " + std::string(why) + ": does AWS_ENDPOINT_URL lead to SQS?",
        .retry_after_s = 1});
}

}  // namespace

struct sqs_queue::answer {
    std::unique_ptr<simdjson::dom::parser> parser;
    simdjson::dom::object root;  // empty where the answer is
    aws::service_error refusal{};
    bool ok = true;

    std::string text(std::string_view name) const {
        std::string_view out;
        return root[name].get(out) ? std::string() : std::string(out);
    }
};

sqs_queue::sqs_queue(sqs_options options, aws::credentials_source& by, aws::http_here http,
                     clock& time, random_source& random)
    : options_(std::move(options)),
      client_({.service = "sqs",
               .region = options_.region,
               .endpoint = options_.endpoint_url,
               .attempt_within = longest_wait + seconds(5),
               .answer_within = options_.answer_within},
              by, std::move(http), time, random) {}

task<result<sqs_queue::answer>> sqs_queue::call(std::string operation, std::string body,
                                                std::string queue) {
    // A message that is sent twice is what the port allows; the rest ends the same.
    STOA_CO_TRY(const auto got,
                co_await client_.call("POST", "/",
                                      {{"Content-Type", "application/x-amz-json-1.0"},
                                       {"X-Amz-Target", "AmazonSQS." + operation}},
                                      std::move(body), aws::repeats::always));
    answer out{.parser = std::make_unique<simdjson::dom::parser>(), .root = {}};
    out.ok = got.status < 300;
    if (!out.ok) {
        out.refusal = aws::read_error(got);
        const auto& code = out.refusal.code;
        if (code.find("NonExistentQueue") != std::string::npos || code == "QueueDoesNotExist")
            co_return fail(errc::internal, "queue_missing",
                           "SQS at " + endpoint_of(client_.options()) + " (AWS_REGION " +
                               options_.region + ") has no queue " + queue +
                               ": run `stoa migrate`");
        if (code.find("ReceiptHandleIsInvalid") != std::string::npos ||
            code == "MessageNotInflight" ||
            (code == "InvalidParameterValue" &&
             out.refusal.message.find("eceipt") != std::string::npos))
            co_return fail(errc::conflict, "receipt_stale",
                           "the message was handed out again: " + out.refusal.message);
        if (code == "InvalidMessageContents")
            co_return refused_here("message_ill_formed", out.refusal.message);
        co_return fail(errc::internal, "sqs_refused",
                       "SQS refuses " + operation + " for " + queue + ": " +
                           std::to_string(got.status) + ' ' + code + ' ' + out.refusal.message);
    }
    // Answers that say nothing may be empty.
    const std::string_view text = got.body.empty() ? std::string_view("{}") : got.body;
    simdjson::dom::element root;
    if (out.parser->parse(simdjson::padded_string(text)).get(root) || root.get(out.root))
        co_return ill_formed("is no JSON object");
    co_return out;
}

task<result<std::string>> sqs_queue::address_of(std::string queue) {
    if (queue.starts_with("http://") || queue.starts_with("https://")) co_return queue;
    {
        const std::scoped_lock lock(mutex_);
        const auto known = addresses_.find(queue);
        if (known != addresses_.end()) co_return known->second;
    }
    STOA_CO_TRY_VOID(check_options(client_.options()));
    const auto name = options_.queue_prefix + queue;
    STOA_CO_TRY(const auto got,
                co_await call("GetQueueUrl", json_object().add("QueueName", name).text(), name));
    auto url = got.text("QueueUrl");
    if (url.empty()) co_return ill_formed("names no queue");
    const std::scoped_lock lock(mutex_);
    addresses_[queue] = url;
    co_return url;
}

task<result<std::string>> sqs_queue::send(std::string queue, queue_message what) {
    if (what.body.empty() || what.body.size() > largest_body_bytes)
        co_return refused_here("message_size", "a message has 1 byte to 256 KiB, not " +
                                                   std::to_string(what.body.size()) + " bytes");
    if (!simdjson::validate_utf8(what.body))
        co_return refused_here("message_ill_formed", "a message is text in UTF-8");
    STOA_CO_TRY(const auto url, co_await address_of(queue));
    json_object body;
    body.add("QueueUrl", url).add("MessageBody", what.body);
    if (!what.group.empty()) body.add("MessageGroupId", what.group);
    if (!what.dedup_id.empty()) body.add("MessageDeduplicationId", what.dedup_id);
    STOA_CO_TRY(const auto got, co_await call("SendMessage", body.text(), queue));
    if (got.text("MD5OfMessageBody") != aws::hex(aws::md5(what.body)))
        co_return ill_formed("acknowledges another message");
    co_return got.text("MessageId");
}

task<result<std::vector<received_message>>> sqs_queue::receive(std::string queue, int most,
                                                               seconds wait, seconds hidden) {
    if (most < 1 || most > 10 || wait > longest_wait || hidden > longest_hidden)
        co_return refused_here(
            "receive_limits", "1 to 10 messages, waited for 20 s at most, hidden for 12 h at most");
    STOA_CO_TRY(const auto url, co_await address_of(queue));
    json_object body;
    body.add("QueueUrl", url)
        .add("MaxNumberOfMessages", std::int64_t{most})
        .add("WaitTimeSeconds", std::int64_t{wait.count()})
        .add("VisibilityTimeout", std::int64_t{hidden.count()})
        .raw("AttributeNames", R"(["ApproximateReceiveCount"])");
    STOA_CO_TRY(const auto got, co_await call("ReceiveMessage", body.text(), queue));
    std::vector<received_message> out;
    simdjson::dom::array messages;
    if (got.root["Messages"].get(messages)) co_return out;
    for (const auto each : messages) {
        std::string_view id, text, receipt, count;
        if (each["MessageId"].get(id) || each["Body"].get(text) ||
            each["ReceiptHandle"].get(receipt))
            co_return ill_formed("holds something that is no message");
        auto& one = out.emplace_back(std::string(id), std::string(text), std::string(receipt));
        if (!each["Attributes"]["ApproximateReceiveCount"].get(count))
            std::from_chars(count.data(), count.data() + count.size(), one.receives);
    }
    co_return out;
}

task<result<void>> sqs_queue::hide(std::string queue, std::string receipt, seconds hidden) {
    if (hidden < seconds(0) || hidden > longest_hidden)
        co_return refused_here("receive_limits", "a message is hidden for 12 h at most");
    STOA_CO_TRY(const auto url, co_await address_of(queue));
    json_object body;
    body.add("QueueUrl", url)
        .add("ReceiptHandle", receipt)
        .add("VisibilityTimeout", std::int64_t{hidden.count()});
    STOA_CO_TRY_VOID(co_await call("ChangeMessageVisibility", body.text(), queue));
    co_return result<void>();
}

task<result<void>> sqs_queue::remove(std::string queue, std::string receipt) {
    STOA_CO_TRY(const auto url, co_await address_of(queue));
    json_object body;
    body.add("QueueUrl", url).add("ReceiptHandle", receipt);
    STOA_CO_TRY_VOID(co_await call("DeleteMessage", body.text(), queue));
    co_return result<void>();
}

task<result<std::string>> sqs_queue::arn_of(std::string queue) {
    STOA_CO_TRY(const auto url, co_await address_of(queue));
    json_object body;
    body.add("QueueUrl", url).raw("AttributeNames", R"(["QueueArn"])");
    STOA_CO_TRY(const auto got, co_await call("GetQueueAttributes", body.text(), queue));
    std::string_view arn;
    if (got.root["Attributes"]["QueueArn"].get(arn)) co_return ill_formed("names no queue");
    co_return std::string(arn);
}

task<result<void>> sqs_queue::ensure_queues(std::vector<sqs_queue_spec> queues) {
    STOA_CO_TRY_VOID(check_options(client_.options()));
    for (const auto& each : queues) {
        const auto standing = co_await address_of(each.name);
        if (standing) continue;
        if (standing.error().code != "queue_missing") co_return std::unexpected(standing.error());
        json_object attributes;
        attributes.add("VisibilityTimeout", std::to_string(each.hidden.count()));
        if (each.name.ends_with(".fifo")) attributes.add("FifoQueue", "true");
        if (!each.dead_letters.empty()) {
            STOA_CO_TRY(const auto arn, co_await arn_of(each.dead_letters));
            attributes.add("RedrivePolicy", json_object()
                                                .add("deadLetterTargetArn", arn)
                                                .add("maxReceiveCount", std::int64_t{each.receives})
                                                .text());
        }
        const auto name = options_.queue_prefix + each.name;
        json_object body;
        body.add("QueueName", name).raw("Attributes", attributes.text());
        STOA_CO_TRY_VOID(co_await call("CreateQueue", body.text(), name));
    }
    co_return result<void>();
}

task<result<void>> sqs_queue::check_queues(std::vector<std::string> queues) {
    for (const auto& each : queues) STOA_CO_TRY_VOID(co_await arn_of(each));
    co_return result<void>();
}

}  // namespace stoa
