#include "ports/idempotent_answers.hpp"

#include "ports/idempotency.hpp"

namespace stoa {
namespace {

constexpr auto kept_for = hours(48);

}  // namespace

idempotent_answers::idempotent_answers(const answers_table& in, const request_context& context,
                                       timestamp now)
    : table_(&in),
      scope_key_(context.idempotency_key.empty() ? std::string()
                                                 : idempotency_keys::scope_key(context)),
      request_hash_(std::to_string(context.request_hash)),
      now_(now) {}

result<std::optional<kept_answer>> idempotent_answers::look_up(transaction& t) const {
    if (scope_key_.empty()) return std::optional<kept_answer>{};
    auto found = t.first<kept_answer>(table_->find, scope_key_, now_.unix_s());
    if (found && found->request_hash != request_hash_) return fail(idempotency_key_reused());
    return found;
}

void idempotent_answers::store(transaction& t, const std::string& body) const {
    if (scope_key_.empty()) return;
    t.execute(table_->forget, scope_key_);  // an expired one
    t.execute(table_->keep, scope_key_, request_hash_, body, (now_ + kept_for).unix_s());
}

std::int64_t sweep_answers(transaction& t, const answers_table& in, timestamp now, int at_most) {
    return t.execute(in.sweep, now.unix_s(), at_most);
}

}  // namespace stoa
