// What the adapter's calls must be allowed where Amazon MSK lets in by IAM.
#pragma once

#include <string_view>

namespace stoa {

// The producers are idempotent.
inline constexpr std::string_view kafka_cluster_actions[] = {"kafka-cluster:Connect",
                                                             "kafka-cluster:DescribeCluster",
                                                             "kafka-cluster:WriteDataIdempotently"};
inline constexpr std::string_view kafka_write_actions[] = {"kafka-cluster:DescribeTopic",
                                                           "kafka-cluster:WriteData"};
inline constexpr std::string_view kafka_read_actions[] = {"kafka-cluster:DescribeTopic",
                                                          "kafka-cluster:ReadData"};
inline constexpr std::string_view kafka_group_actions[] = {"kafka-cluster:AlterGroup",
                                                           "kafka-cluster:DescribeGroup"};
inline constexpr std::string_view kafka_look_actions[] = {"kafka-cluster:DescribeGroup"};
// `stoa migrate`.
inline constexpr std::string_view kafka_make_actions[] = {"kafka-cluster:CreateTopic",
                                                          "kafka-cluster:DescribeTopic"};

}  // namespace stoa
