#include "apps/functions/secret.hpp"

#include "base/json.hpp"

namespace stoa::functions {
namespace {

struct secret_answer {
    std::optional<std::string> secret_string;
};
BOOST_DESCRIBE_STRUCT(secret_answer, (), (secret_string))

}  // namespace

secret_source::secret_source(secret_place where, aws::credentials_source& by, aws::http_here http,
                             clock& time, random_source& random)
    : where_(std::move(where)),
      client_(std::make_unique<aws::client>(
          aws::client_options{
              .service = "secretsmanager", .region = where_.region, .endpoint = where_.endpoint},
          by, std::move(http), time, random)) {}

task<result<std::string>> secret_source::get() {
    if (!where_.given.empty()) co_return where_.given;
    if (!known_.empty()) co_return known_;
    std::string body = R"({"SecretId":)";
    append_json_string(body, where_.arn);
    body += '}';
    STOA_CO_TRY(const auto said,
                co_await client_->call("POST", "/",
                                       {{"Content-Type", "application/x-amz-json-1.1"},
                                        {"X-Amz-Target", "secretsmanager.GetSecretValue"}},
                                       std::move(body), aws::repeats::always));
    const auto unreadable = [&](std::string_view why) {
        return fail(errc::internal, "secret_unreadable",
                    "the secret " + where_.arn + " cannot be read: " + std::string(why));
    };
    if (said.status != 200) {
        const auto why = aws::read_error(said);
        co_return unreadable(why.code + ' ' + why.message);
    }
    // Members are written in capitals there: SecretString. The reader of records knows camelCase.
    auto text = said.body;
    if (const auto at = text.find("\"SecretString\""); at != std::string::npos) text[at + 1] = 's';
    const auto read = from_json<secret_answer>(text, {}, naming::camel);
    if (!read || !read->secret_string || read->secret_string->empty())
        co_return unreadable("it holds no text");
    known_ = *read->secret_string;
    co_return known_;
}

}  // namespace stoa::functions
