// What the settings say about each engine that other processes reach, as its adapter wants to hear
// it. Errors are for the user and name the setting; nothing is asked of a server here.
#pragma once

#include "adapters/aws/credentials.hpp"
#include "adapters/kafka/kafka_event_log.hpp"
#include "adapters/postgres/postgres_store.hpp"
#include "apps/stoa/settings.hpp"
#include "transport/grpc/tls_identity.hpp"

namespace stoa {

error bad_setting(std::string_view key, const std::string& what);

// DATABASE_URL, or the parts of it; the password apart, so that no message shows it.
result<postgres_address> postgres_of(const settings& from);
result<kafka_options> kafka_of(const settings& from);
// What a part of a shop shows the others by gRPC. Reads the files.
result<rpc::tls_identity> identity_of(const settings& from, timestamp now);
// What the AWS adapters read of the environment may stand in the settings, too.
aws::environment aws_environment(const settings& from);
// `own`: the setting of one service; else that of all.
std::string endpoint_of(const settings& from, std::string_view own);

// The buckets that services put objects into.
std::vector<std::string> shop_buckets();
// What a bucket is called in S3, between the settings' prefix and suffix: R108's name for
// documents.
std::string documented_bucket(std::string_view bucket);
std::map<std::string, std::string, std::less<>> s3_bucket_names(const settings& from);
// With DynamoDB the services' items stand there, and PostgreSQL has only what its own transactions
// write.
std::vector<const kv_table*> item_tables_of_shop();
std::vector<const kv_table*> dynamodb_tables_of_shop();

}  // namespace stoa
