#include "adapters/sns/sns_notifier.hpp"

#include "adapters/aws/digests.hpp"

namespace stoa {
namespace {

constexpr std::size_t largest_body_bytes = 256 * 1024;

bool is_telephone(std::string_view number) {
    return number.size() >= 8 && number.size() <= 16 && number.front() == '+' &&
           std::ranges::all_of(number.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

void add(std::string& form, std::string_view name, std::string_view value) {
    (((form += '&') += name) += '=') += aws::percent_encoded(value);
}

}  // namespace

std::string sns_subject(std::string_view subject) {
    std::string out;
    for (const char c : subject) {
        const auto byte = static_cast<unsigned char>(c);
        if (out.size() == 99) break;
        if ((byte & 0xc0) == 0x80) continue;  // the rest of a character that is no ASCII
        out += byte >= 0x80 ? '?' : byte < 0x20 || byte == 0x7f ? ' ' : c;
    }
    const auto first = out.find_first_not_of(' ');
    return first == std::string::npos ? std::string() : out.substr(first);
}

sns_notifier::sns_notifier(sns_options options, aws::credentials_source& by, aws::http_here http,
                           clock& time, random_source& random)
    : options_(std::move(options)),
      client_({.service = "sns",
               .region = options_.region,
               .endpoint = options_.endpoint_url,
               .attempt_within = options_.attempt_within,
               .answer_within = options_.answer_within},
              by, std::move(http), time, random) {}

task<result<std::string>> sns_notifier::call(std::string form) {
    // A message that is published twice is what the port allows.
    STOA_CO_TRY(auto got, co_await client_.call(
                              "POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}},
                              form + "&Version=2010-03-31", aws::repeats::always));
    if (got.status < 300) co_return std::move(got.body);
    const auto why = aws::read_error(got);
    if (why.code == "NotFound" || why.code == "NotFoundException")
        co_return fail(errc::internal, "topic_missing",
                       "SNS at " + endpoint_of(client_.options()) + " (AWS_REGION " +
                           options_.region + ") has no topic " + options_.topic_arn +
                           " (SNS_TOPIC_ARN)");
    if (why.code.starts_with("InvalidParameter") || why.code == "OptedOut")
        co_return fail(errc::invalid, "message_refused", "SNS refuses the message: " + why.message);
    co_return fail(
        errc::internal, "sns_refused",
        "SNS refuses: " + std::to_string(why.status) + ' ' + why.code + ' ' + why.message);
}

task<result<void>> sns_notifier::send(message what) {
    if (what.body.empty() || what.body.size() > largest_body_bytes)
        co_return fail(
            errc::invalid, "message_size",
            "a message has 1 byte to 256 KiB, not " + std::to_string(what.body.size()) + " bytes");
    std::string form = "Action=Publish";
    add(form, "Message", what.body);
    if (what.channel == "sms") {
        if (!is_telephone(what.to))
            co_return fail(errc::invalid, "recipient_ill_formed",
                           "a telephone number is as +4915112345678");
        add(form, "PhoneNumber", what.to);
    } else {
        add(form, "TopicArn", options_.topic_arn);
        if (const auto subject = sns_subject(what.subject); !subject.empty())
            add(form, "Subject", subject);
        int n = 0;
        for (const auto& [name, value] :
             {std::pair<std::string_view, std::string_view>{"message_id", what.id},
              {"channel", what.channel},
              {"to", what.to}}) {
            if (value.empty()) continue;
            const auto entry = "MessageAttributes.entry." + std::to_string(++n);
            add(form, entry + ".Name", name);
            add(form, entry + ".Value.DataType", "String");
            add(form, entry + ".Value.StringValue", value);
        }
        if (options_.topic_arn.ends_with(".fifo")) {
            // Ids and groups are of letters, digits and marks: a digest always is.
            add(form, "MessageDeduplicationId", aws::hex(aws::sha256(what.id)));
            add(form, "MessageGroupId", aws::hex(aws::sha256(what.to)));
        }
    }
    STOA_CO_TRY(const auto answer, co_await call(std::move(form)));
    if (!aws::xml_text(answer, "MessageId").empty()) co_return result<void>();
    co_return fail(
        error{.kind = errc::unavailable,
              .code = "sns_answer_ill_formed",
              .detail = "SNS acknowledges no message: does AWS_ENDPOINT_URL lead to SNS?",
              .retry_after_s = 1});
}

task<result<void>> sns_notifier::check() {
    STOA_CO_TRY_VOID(check_options(client_.options()));
    if (options_.topic_arn.empty())
        co_return fail(errc::invalid, "topic_missing", "SNS_TOPIC_ARN is not set");
    std::string form = "Action=GetTopicAttributes";
    add(form, "TopicArn", options_.topic_arn);
    STOA_CO_TRY_VOID(co_await call(std::move(form)));
    co_return result<void>();
}

task<result<std::string>> sns_notifier::ensure_topic(std::string name) {
    STOA_CO_TRY_VOID(check_options(client_.options()));
    std::string form = "Action=CreateTopic";
    add(form, "Name", name);
    if (name.ends_with(".fifo")) {
        add(form, "Attributes.entry.1.key", "FifoTopic");
        add(form, "Attributes.entry.1.value", "true");
    }
    STOA_CO_TRY(const auto answer, co_await call(std::move(form)));
    co_return aws::xml_text(answer, "TopicArn");
}

task<result<void>> sns_notifier::subscribe_queue(std::string queue_arn) {
    std::string form = "Action=Subscribe&Protocol=sqs";
    add(form, "TopicArn", options_.topic_arn);
    add(form, "Endpoint", queue_arn);
    add(form, "Attributes.entry.1.key", "RawMessageDelivery");
    add(form, "Attributes.entry.1.value", "true");
    STOA_CO_TRY_VOID(co_await call(std::move(form)));
    co_return result<void>();
}

}  // namespace stoa
