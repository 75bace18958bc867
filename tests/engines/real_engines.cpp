// The engines whose servers `./dev test engines` starts.
#include "contract/blob_engine.hpp"
#include "contract/engine.hpp"

namespace stoa::testing {

std::vector<engine_kind> sql_engines() { return {postgres_engine()}; }
std::vector<engine_kind> key_value_engines() { return {dynamodb_engine(), postgres_engine()}; }
std::vector<engine_kind> log_engines() { return {kafka_engine()}; }
std::vector<blob_kind> blob_engines() { return {s3_kind()}; }

}  // namespace stoa::testing
