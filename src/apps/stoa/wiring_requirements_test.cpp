// What the clouds are asked for is what the code has.
#include "apps/stoa/wiring_requirements.hpp"

#include "apps/stoa/targets.hpp"
#include "apps/stoa/wiring_engines.hpp"
#include "apps/stoa/wiring_options.hpp"
#include "base/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace stoa {
namespace {

settings with(std::map<std::string, std::string> given) {
    const char* const nothing[] = {nullptr};
    const auto loaded = settings::load({}, nothing, {});
    if (!loaded) throw std::runtime_error(loaded.error().detail);
    auto changed = loaded->with(std::move(given));
    if (!changed) throw std::runtime_error(changed.error().detail);
    return *std::move(changed);
}
shop_requirements needed() { return requirements_of(with({})); }

// The resources of a kind that some role may do `action` to.
std::set<std::string> allowed(const shop_requirements& from, std::string_view action,
                              std::string_view kind) {
    std::set<std::string> out;
    for (const auto& role : from.roles)
        for (const auto& grant : role.grants)
            if (std::ranges::find(grant.actions, action) != grant.actions.end())
                for (const auto& each : grant.resources)
                    if (each.starts_with(kind)) out.insert(each.substr(kind.size()));
    return out;
}

TEST(requirements, every_table_is_written_by_some_target) {
    const auto all = needed();
    std::set<std::string> tables;
    for (const auto& each : all.tables) tables.insert(each.name);
    EXPECT_EQ(allowed(all, "dynamodb:PutItem", "table/"), tables);
    EXPECT_EQ(tables.size(), dynamodb_tables_of_shop().size());
}

TEST(requirements, every_bucket_has_an_owner_and_a_documented_name) {
    const auto all = needed();
    EXPECT_EQ(allowed(all, "s3:PutObject", "objects/"),
              std::set<std::string>(all.buckets.begin(), all.buckets.end()));
    EXPECT_EQ(std::ranges::count(all.buckets, "ecommerce-order-documents"), 1);
}

TEST(requirements, every_topic_is_made_and_those_with_letters_are_read_by_an_audit) {
    const auto all = needed();
    std::set<std::string> topics;
    for (const auto& each : all.topics) topics.insert(each.name);
    EXPECT_EQ(allowed(all, "kafka-cluster:CreateTopic", "topic/"), topics);
    EXPECT_EQ(allowed(all, "kafka-cluster:ReadData", "topic/"), topics);
    EXPECT_TRUE(topics.contains("payment.requested.dlq"));
}

// A backup is read through an embedded copy on its way into engines.
TEST(requirements, a_copy_of_an_embedded_shop_has_its_topics_whatever_the_settings_say) {
    const auto names = [](const std::vector<topic_spec>& of) {
        std::set<std::string> out;
        for (const auto& each : of) out.emplace(each.name);
        return out;
    };
    const auto copied = names(shop_options(with({{"event_log", "kafka"}}), "copy").topics);
    EXPECT_EQ(copied, names(shop_options(with({}), "own").topics));
    EXPECT_EQ(copied, names(shop_topics(with({}))));
    const auto in_kafka = names(shop_topics(with({{"event_log", "kafka"}})));
    for (const auto& each : copied) EXPECT_EQ(is_told_by_buckets(each), !in_kafka.contains(each));
    EXPECT_TRUE(is_told_by_buckets("objects.created.dlq"));
}

TEST(requirements, every_target_has_a_role_with_its_documented_ports) {
    const auto all = needed();
    for (const auto& each : all_targets()) {
        const auto role = std::ranges::find(all.roles, each.name, &required_role::name);
        ASSERT_NE(role, all.roles.end()) << each.name;
        EXPECT_EQ(role->http_port, each.http_port);
        EXPECT_EQ(role->grpc_port.value_or(0), each.grpc_port);
    }
}

TEST(requirements, no_action_is_a_pattern_and_no_grant_is_empty) {
    for (const auto& role : needed().roles)
        for (const auto& grant : role.grants) {
            EXPECT_FALSE(grant.resources.empty()) << role.name;
            for (const auto& each : grant.actions)
                EXPECT_EQ(each.find('*'), std::string::npos) << each;
        }
}

TEST(requirements, they_are_json_that_reads_back) {
    const auto text = to_json(needed());
    const auto back = from_json<shop_requirements>(text);
    ASSERT_TRUE(back) << back.error().detail;
    EXPECT_EQ(to_json(*back), text);
}

}  // namespace
}  // namespace stoa
