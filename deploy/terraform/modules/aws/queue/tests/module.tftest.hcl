mock_provider "aws" {}

variables {
  name = "ecommerce-order-notifications"
}

run "dead_letters_raise_an_alarm" {
  command = apply

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy).maxReceiveCount == 5 && aws_cloudwatch_metric_alarm.dead.threshold == 0
    error_message = "five tries, then a person is called"
  }
  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled && jsondecode(aws_sqs_queue_policy.this.policy).Statement[0].Effect == "Deny"
    error_message = "encrypted, and TLS only"
  }
}

run "a_topic_may_send" {
  command = plan
  variables {
    topic_arns = ["arn:aws:sns:us-east-1:111122223333:ecommerce-notifications"]
  }

  assert {
    condition     = length(jsondecode(aws_sqs_queue_policy.this.policy).Statement) == 2
    error_message = "the topic's statement is there"
  }
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "a.b"
  }
  expect_failures = [var.name]
}

run "no_time_at_all" {
  command = plan
  variables {
    visibility_seconds = 0
  }
  expect_failures = [var.visibility_seconds]
}

run "a_month" {
  command = plan
  variables {
    retention_days = 30
  }
  expect_failures = [var.retention_days]
}

run "no_attempt" {
  command = plan
  variables {
    attempts = 0
  }
  expect_failures = [var.attempts]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
