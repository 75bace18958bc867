#include "contract/blob_engine.hpp"
#include "contract/engine.hpp"

namespace stoa::testing {

std::vector<engine_kind> sql_engines() { return {sqlite_engine()}; }
std::vector<engine_kind> key_value_engines() { return {sqlite_engine()}; }
std::vector<engine_kind> log_engines() { return {sqlite_engine()}; }
std::vector<blob_kind> blob_engines() { return {filesystem_kind()}; }

}  // namespace stoa::testing
