mock_provider "aws" {}

variables {
  name            = "ecommerce-notification"
  description     = "Tells customers"
  package         = { bucket = "functions", key = "notification.zip" }
  dead_letter_arn = "arn:aws:sqs:us-east-1:111122223333:dlq"
}

run "the_documented_function" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.memory_size == 512 && aws_lambda_function.this.timeout == 60 && aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap"
    error_message = "512 MB and 60 s, on the custom runtime"
  }
}

run "fed_from_a_queue_from_kafka_and_from_a_topic" {
  command = plan
  variables {
    queue_arns = { orders = "arn:aws:sqs:us-east-1:111122223333:orders" }
    topic_arns = { told = "arn:aws:sns:us-east-1:111122223333:told" }
    kafka      = { cluster_arn = "arn:aws:kafka:us-east-1:111122223333:cluster/ecommerce-kafka/x", topics = ["orders"], group = "notification-function" }
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.queue["orders"].function_response_types, "ReportBatchItemFailures")
    error_message = "one bad message does not bring back its neighbours"
  }
  assert {
    condition     = anytrue([for each in jsondecode(aws_iam_role_policy.host.policy).Statement : contains(each.Resource, "arn:aws:kafka:us-east-1:111122223333:topic/ecommerce-kafka/x/orders")])
    error_message = "the topic is named in the policy"
  }
  assert {
    condition     = anytrue([for each in jsondecode(aws_iam_role_policy.host.policy).Statement : each.Resource == ["arn:aws:kafka:us-east-1:111122223333:cluster/ecommerce-kafka/x"] && each.Action == ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"]])
    error_message = "what AWS asks of a poller that shows IAM credentials"
  }
  assert {
    condition     = anytrue([for each in jsondecode(aws_iam_role_policy.host.policy).Statement : length(setsubtract(["ec2:CreateNetworkInterface", "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups"], each.Action)) == 0])
    error_message = "who polls Kafka may find the brokers' network, whether the function is in one or not"
  }
  assert {
    condition     = aws_lambda_permission.topic["told"].principal == "sns.amazonaws.com" && aws_sns_topic_subscription.this["told"].protocol == "lambda"
    error_message = "the topic may call it"
  }
}

run "an_image" {
  command = plan
  variables {
    package   = null
    image_uri = "111122223333.dkr.ecr.us-east-1.amazonaws.com/ecommerce/notification@sha256:0000"
  }

  assert {
    condition     = aws_lambda_function.this.package_type == "Image"
    error_message = "an image takes the zip's place"
  }
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "a.b"
  }
  expect_failures = [var.name]
}

run "neither_package_nor_image" {
  command = plan
  variables {
    package = null
  }
  expect_failures = [var.image_uri]
}

run "a_processor_that_there_is_not" {
  command = plan
  variables {
    architecture = "riscv"
  }
  expect_failures = [var.architecture]
}

run "too_little_memory" {
  command = plan
  variables {
    memory_mb = 64
  }
  expect_failures = [var.memory_mb]
}

run "an_hour" {
  command = plan
  variables {
    timeout_seconds = 3600
  }
  expect_failures = [var.timeout_seconds]
}

run "switched_off" {
  command = plan
  variables {
    concurrency = 0
  }
  expect_failures = [var.concurrency]
}

run "a_variable_in_small_letters" {
  command = plan
  variables {
    environment = { path = "x" }
  }
  expect_failures = [var.environment]
}

run "an_action_pattern" {
  command = plan
  variables {
    statements = [{ actions = ["s3:*"], resources = ["arn:aws:s3:::x/*"] }]
  }
  expect_failures = [var.statements]
}

run "every_resource" {
  command = plan
  variables {
    statements = [{ actions = ["s3:GetObject"], resources = ["*"] }]
  }
  expect_failures = [var.statements]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
