// What a part of a shop must be told before it starts.
#include "apps/stoa/targets.hpp"

#include <gtest/gtest.h>

namespace stoa {
namespace {

// The settings of a target on engines of its own, with a host for every service but one.
result<target_set> read(std::string_view target, std::string_view without = {}) {
    std::map<std::string, std::string> flags{{"target", std::string(target)},
                                             {"sql", "postgres"},
                                             {"key_value", "dynamodb"},
                                             {"event_log", "kafka"},
                                             {"blob", "s3"}};
    for (const auto& each : all_targets())
        if (!each.host_setting.empty() && each.name != without)
            flags.emplace(each.host_setting, std::string(each.name) + ".shop.svc");
    const char* const nothing[] = {nullptr};
    const auto loaded = settings::load(flags, nothing, {});
    if (!loaded) throw std::runtime_error(loaded.error().detail);
    return target_set::read(*loaded);
}

TEST(targets, a_part_of_a_shop_knows_where_the_others_are) {
    for (const auto& each : all_targets()) {
        const auto there = read(each.name);
        ASSERT_TRUE(there) << each.name << ": " << there.error().detail;
        EXPECT_TRUE(there->has(each.is));
    }
}

// The gateway passes on what customers ask of any service.
TEST(targets, a_gateway_without_any_one_service_is_told_its_setting) {
    for (const auto& each : all_targets()) {
        if (each.is == target::gateway) continue;
        const auto there = read("gateway", each.name);
        ASSERT_FALSE(there) << each.name;
        EXPECT_EQ(there.error().code, "service_not_found");
        EXPECT_NE(there.error().detail.find('`' + std::string(each.host_setting) + '`'),
                  std::string::npos)
            << there.error().detail;
    }
}

TEST(targets, a_service_that_is_served_here_needs_no_host) {
    EXPECT_TRUE(read("gateway,analytics", "analytics"));
}

TEST(targets, a_target_that_is_none_is_named) {
    const auto there = read("gatway");
    ASSERT_FALSE(there);
    EXPECT_NE(there.error().detail.find("`gatway`"), std::string::npos) << there.error().detail;
}

}  // namespace
}  // namespace stoa
