#include "adapters/aws/aws_client.hpp"

#include <zlib.h>

namespace stoa::aws {
namespace {

std::unexpected<error> passing(std::string_view code, std::string detail) {
    return fail(error{.kind = errc::unavailable,
                      .code = std::string(code),
                      .detail = std::move(detail),
                      .retry_after_s = 1});
}

// The connection was never there, so the request was not sent.
bool never_sent(const error& why) {
    return why.code == "no_connection" || why.code == "too_many_connections";
}

// DynamoDB says what its answer adds up to.
bool is_intact(const http_response& answer) {
    const auto said = answer.find("x-amz-crc32");
    if (said.empty()) return true;
    const auto sum = ::crc32(0, reinterpret_cast<const unsigned char*>(answer.body.data()),
                             static_cast<unsigned int>(answer.body.size()));
    return said == std::to_string(sum);
}

}  // namespace

std::string endpoint_of(const client_options& options) {
    auto out = options.endpoint;
    if (out.empty())
        out = "https://" + options.service + '.' + options.region + ".amazonaws.com" +
              (options.region.starts_with("cn-") ? ".cn" : "");
    while (out.ends_with('/')) out.pop_back();
    return out;
}

result<void> check_options(const client_options& options) {
    if (options.region.empty())
        return fail(errc::invalid, "aws_region_missing",
                    "AWS_REGION is not set: name the region of " + options.service +
                        ", as eu-west-1 (any will do for an endpoint of your own)");
    const auto host = options.endpoint.find("://");
    const bool http =
        options.endpoint.starts_with("http://") || options.endpoint.starts_with("https://");
    if (!options.endpoint.empty() &&
        (!http || options.endpoint.find('/', host + 3) < options.endpoint.size() - 1))
        return fail(errc::invalid, "aws_endpoint_ill_formed",
                    "AWS_ENDPOINT_URL is " + options.endpoint +
                        ": it must be as http://host:port, without a path");
    return {};
}

client::client(client_options options, credentials_source& by, http_here http, clock& time,
               random_source& random)
    : options_(std::move(options)),
      endpoint_(endpoint_of(options_)),
      by_(by),
      http_(std::move(http)),
      time_(time),
      random_(random),
      away_(time) {}

// How one attempt ended.
struct client::attempt {
    enum class is : std::uint8_t { answered, failed, again, again_with_new_credentials };
    is what = is::answered;
    result<http_response> answer = http_response();  // failed, again: why
};

client::attempt client::judge(result<http_response> answer, const credentials& by, repeats how) {
    using is = attempt::is;
    const auto lost = [&](std::string why) -> attempt {
        if (how == repeats::always) return {is::again, passing("aws_unavailable", std::move(why))};
        return {is::failed,
                passing("aws_outcome_unknown", why + "; it is not known whether it was done")};
    };
    const auto whom = options_.service + " at " + endpoint_;
    if (!answer) {
        const auto& why = answer.error();
        if (why.kind == errc::invalid) return {is::failed, std::move(answer)};
        if (never_sent(why)) return {is::again, passing("aws_unavailable", why.detail)};
        return lost(whom + ": " + why.detail);
    }
    if (!is_intact(*answer)) return lost(whom + ": the answer was damaged on its way");
    if (answer->status < 300) return {is::answered, std::move(answer)};
    const auto why = read_error(*answer);
    const auto said = whom + " answers " + std::to_string(why.status) + ' ' + why.code +
                      (why.message.empty() ? "" : ": " + why.message);
    switch (meaning_of(why)) {
        case refusal::throttled:
            return {is::again, passing("aws_throttled", said)};
        case refusal::unknown:
            return lost(said);
        case refusal::credentials:
            by_.reject(by);
            return {is::again_with_new_credentials,
                    fail(forbidden_error(why, options_.service, options_.region, by.source))};
        case refusal::forbidden:
            return {is::failed,
                    fail(forbidden_error(why, options_.service, options_.region, by.source))};
        case refusal::other:
            break;
    }
    return {is::answered, std::move(answer)};
}

task<client::attempt> client::try_once(http_request what, repeats how, milliseconds within) {
    if (!away_.lets_through())
        co_return attempt{attempt::is::failed,
                          passing("aws_unavailable", options_.service + " at " + endpoint_ +
                                                         " does not answer; try again")};
    auto by = co_await by_.get();
    if (!by) co_return attempt{attempt::is::failed, std::unexpected(std::move(by).error())};
    sign(what, *by, {options_.service, options_.region}, time_.now(), options_.paths);
    const auto began = time_.ticks();
    auto answer = co_await http_().send(std::move(what), within);
    if (answer) away_.answered();
    else if (answer.error().kind != errc::invalid && answer.error().code != "too_many_connections")
        away_.failed(began);
    co_return judge(std::move(answer), *by, how);
}

task<result<http_response>> client::call(std::string method, std::string path,
                                         std::vector<http_header> headers, std::string body,
                                         repeats how, wants_another again) {
    const http_request what{.method = std::move(method),
                            .url = path.starts_with('/') ? endpoint_ + path : std::move(path),
                            .headers = std::move(headers),
                            .body = std::move(body)};
    const auto end = time_.ticks() + options_.answer_within;
    const auto left = [&] { return std::chrono::duration_cast<milliseconds>(end - time_.ticks()); };
    auto wait = options_.first_wait;
    for (bool renewed = false;;) {
        auto made = co_await try_once(what, how, std::min(left(), options_.attempt_within));
        using is = attempt::is;
        if (made.what == is::again_with_new_credentials && !std::exchange(renewed, true)) continue;
        if (made.what == is::answered && again && made.answer->status >= 300 && again(*made.answer))
            made.what = is::again;
        if (made.what != is::again) co_return std::move(made.answer);
        // Full jitter: who was refused together does not come back together.
        const milliseconds pause(random_.below(static_cast<std::uint64_t>(wait.count()) + 1));
        wait = std::min(wait * 2, options_.longest_wait);
        if (pause + milliseconds(50) >= left()) co_return std::move(made.answer);
        co_await time_.sleep(pause);
    }
}

result<std::string> client::presigned_with(const credentials& by, std::string_view method,
                                           std::string_view url, seconds lasts) const {
    constexpr hours longest{24 * 7};
    if (lasts < seconds(1) || lasts > longest)
        return fail(errc::invalid, "presigned_too_long",
                    "an address can be presigned for a second to a week");
    return presigned(method, url, by, {options_.service, options_.region}, time_.now(), lasts);
}

}  // namespace stoa::aws
