// What a shop of several processes needs of the clouds it stands on, as `stoa config
// --requirements` prints it: tables, topics, buckets, ports, environment variables, and what each
// target may do. The Terraform of deploy/terraform takes its tables and its permissions from it.
#pragma once

#include "apps/stoa/settings.hpp"
#include "base/described.hpp"

namespace stoa {

struct required_index {
    std::string name, hash;
    std::optional<std::string> range;
};
BOOST_DESCRIBE_STRUCT(required_index, (), (name, hash, range))

struct required_table {
    std::string name, hash;
    std::optional<std::string> range;
    std::vector<std::string> numbers;  // key attributes that are numbers
    std::vector<required_index> indexes;
    std::optional<std::string> ttl;
};
BOOST_DESCRIBE_STRUCT(required_table, (), (name, hash, range, numbers, indexes, ttl))

struct required_topic {
    std::string name;
    std::int64_t partitions = 0;
    std::int64_t keep_hours = 0;  // 0: for ever
};
BOOST_DESCRIBE_STRUCT(required_topic, (), (name, partitions, keep_hours))

struct required_variable {
    std::string name, setting;
    bool secret = false;
};
BOOST_DESCRIBE_STRUCT(required_variable, (), (name, setting, secret))

// Actions by IAM's names. Resources: table/NAME with its indexes, bucket/NAME, objects/BUCKET,
// topic/NAME, group/NAME, cluster for Kafka's, notifications for the SNS topic, order-notifications
// for the SQS queue.
struct required_grant {
    std::vector<std::string> actions, resources;
};
BOOST_DESCRIBE_STRUCT(required_grant, (), (actions, resources))

// Who runs: a target, or a job (migrate, audit), which has no ports.
struct required_role {
    std::string name, service_account;
    std::optional<std::int64_t> http_port, grpc_port, admin_port;
    bool postgres = false;
    std::vector<required_grant> grants;
};
BOOST_DESCRIBE_STRUCT(required_role, (),
                      (name, service_account, http_port, grpc_port, admin_port, postgres, grants))

struct shop_requirements {
    std::vector<required_table> tables;
    std::vector<required_topic> topics;
    std::vector<std::string> buckets;
    std::vector<required_variable> variables;
    std::vector<required_role> roles;
    // What `migrate` needs besides where it makes the tables itself.
    std::vector<std::string> making;
};
BOOST_DESCRIBE_STRUCT(shop_requirements, (), (tables, topics, buckets, variables, roles, making))

// Names without the settings' prefixes and suffixes.
shop_requirements requirements_of(const settings& from);

}  // namespace stoa
