mock_provider "aws" {}

variables {
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "the_documented_topic" {
  command = plan
  variables {
    emails = ["shop@example.com"]
  }

  assert {
    condition     = aws_sns_topic.this.name == "ecommerce-notifications" && aws_sns_topic_subscription.email["shop@example.com"].protocol == "email"
    error_message = "its name, and mail to who asked for it"
  }
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "a.b"
  }
  expect_failures = [var.name]
}

run "an_address_that_is_none" {
  command = plan
  variables {
    emails = ["shop"]
  }
  expect_failures = [var.emails]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
