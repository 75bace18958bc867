// Idempotency keys of the services whose store is the sql port (design §5): the answer is kept by
// the very transaction that has the effect, so one key has one effect and every replay the same
// answer. The service's migrations make the table:
//
//     CREATE TABLE <service>_answers (scope_key TEXT PRIMARY KEY, request_hash TEXT NOT NULL,
//                                     body TEXT NOT NULL, expires_at BIGINT NOT NULL);
#pragma once

#include "base/context.hpp"
#include "base/json.hpp"
#include "ports/sql.hpp"

namespace stoa {

struct kept_answer {
    std::string request_hash;
    std::string body;  // JSON
};
BOOST_DESCRIBE_STRUCT(kept_answer, (), (request_hash, body))

// What a transaction under a key comes to: its own effect, or what an earlier request had.
template <class Answer>
struct keyed {
    Answer answer;
    bool replayed = false;
};

// The statements of one table, which are literals: the sql port caches by address.
struct answers_table {
    const char *find, *forget, *keep, *sweep;
};
#define STOA_ANSWERS_TABLE(name)                                                                  \
    ::stoa::answers_table{"SELECT request_hash, body FROM " name                                  \
                          " WHERE scope_key = ?1 AND expires_at > ?2",                            \
                          "DELETE FROM " name " WHERE scope_key = ?1",                            \
                          "INSERT INTO " name                                                     \
                          " (scope_key, request_hash, body, expires_at) VALUES (?1, ?2, ?3, ?4)", \
                          "DELETE FROM " name " WHERE scope_key IN (SELECT scope_key FROM " name  \
                          " WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)"}

// The key of one request; of a call that has none (the shop's own), nothing is kept or found. A
// value: a transaction's closure owns it. Thread rule: any.
class idempotent_answers {
 public:
    idempotent_answers(const answers_table& in, const request_context& context, timestamp now);

    // The first thing of the transaction; nothing: the request is the first under its key. Errors:
    // invalid idempotency_key_reused (another request came with the key).
    template <class Answer>
    result<std::optional<keyed<Answer>>> find(transaction& t) const {
        auto kept = look_up(t);
        if (!kept) return std::unexpected(std::move(kept).error());
        if (!*kept) return std::optional<keyed<Answer>>{};
        auto read = from_json<Answer>((*kept)->body, t.shop_currency);
        if (!read) return std::unexpected(std::move(read).error());
        return keyed<Answer>{*std::move(read), true};
    }
    // The last thing of it.
    template <class Answer>
    keyed<Answer> keep(transaction& t, Answer answer) const {
        store(t, to_json(answer));
        return {std::move(answer), false};
    }

 private:
    result<std::optional<kept_answer>> look_up(transaction& t) const;
    void store(transaction& t, const std::string& body) const;

    const answers_table* table_;
    std::string scope_key_, request_hash_;
    timestamp now_;
};

// What is left of answers that no retry asks for any more. Returns the rows it removed.
std::int64_t sweep_answers(transaction& t, const answers_table& in, timestamp now, int at_most);

}  // namespace stoa
