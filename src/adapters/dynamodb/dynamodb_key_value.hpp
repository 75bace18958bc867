// The key_value port on DynamoDB, over our own HTTP client. A transaction is one TransactWriteItems
// under a token, so that asking again after a lost answer changes nothing; one write alone is a
// plain conditional write, which is asked again only where it is certain that nothing happened.
// Events and receipts are the outbox's (adapters/outbox): a write set with them is refused here.
#pragma once

#include "adapters/aws/aws_client.hpp"
#include "ports/key_value_rules.hpp"

#include <map>
#include <memory>

namespace stoa {

// Setting names are those of the field; who reads them fills this in.
struct dynamodb_options {
    std::string region;        // AWS_REGION
    std::string endpoint_url;  // AWS_ENDPOINT_URL_DYNAMODB, else AWS_ENDPOINT_URL; empty: Amazon's
    std::string table_prefix;  // DYNAMODB_TABLE_PREFIX
    std::map<std::string, std::string, std::less<>> table_names;  // of one table: DYNAMODB_TABLE
    milliseconds attempt_within{3'000};
    milliseconds answer_within{8'000};  // with everything that is repeated
};

// A page of 1 MB, as JSON with every character escaped: what the HTTP client must let through.
inline constexpr std::int64_t dynamodb_answer_bytes = 8 << 20;

// Thread rule: any loop; `http` gives the calling loop's client. Errors beside the port's own:
// `unavailable` with code aws_outcome_unknown where one write alone lost its answer (read, or rely
// on the conditions, before writing again), dynamodb_contended (conflicts to the end); `internal`
// with code table_missing, aws_refused (credentials, region, rights) and dynamodb_refused.
class dynamodb_key_value final : public key_value {
 public:
    dynamodb_key_value(dynamodb_options options, aws::credentials_source& by, aws::http_here http,
                       clock& time, random_source& random);
    ~dynamodb_key_value() override;

    task<result<std::optional<item>>> get(const kv_table& table, item key) override;
    task<result<kv_page>> query(kv_query what) override;
    task<result<write_outcome>> write(write_set what) override;
    task<result<kv_page>> scan(const kv_table& table, std::optional<item> after,
                               int limit) override;

    // Makes what is missing (on demand, indexes with every attribute), adds missing indexes, sets
    // the time to live, and waits until all is ready. Several processes may do so at once. For
    // `stoa migrate`. Errors: `conflict` with code table_changed where a table stands with another
    // key; it is never dropped.
    task<result<void>> ensure_tables(std::vector<const kv_table*> tables);
    // For a start: `conflict` with code tables_not_ready and every table and index that is missing,
    // different or not yet active; the errors of access.
    task<result<void>> check_tables(std::vector<const kv_table*> tables);
    // For tests: tables go, with everything in them.
    task<result<void>> drop_tables(std::vector<const kv_table*> tables);

    std::string name_of(const kv_table& table) const;  // in DynamoDB

 private:
    task<result<write_outcome>> write_one(write_set::write what, item key);
    task<result<write_outcome>> write_all(std::vector<write_set::write> writes,
                                          std::vector<item> keys);
    task<result<kv_page>> read_page(std::string table, std::string operation, std::string request);

    dynamodb_options options_;
    aws::client client_;
};

}  // namespace stoa
