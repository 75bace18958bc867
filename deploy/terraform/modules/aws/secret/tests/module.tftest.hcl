mock_provider "aws" {}

variables {
  secrets     = { "ecommerce/stripe-credentials" = "Stripe's keys" }
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "a_place_without_a_value" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.this["ecommerce/stripe-credentials"].recovery_window_in_days == 30
    error_message = "a deletion can be taken back for a month"
  }
}

run "a_name_with_a_space" {
  command = plan
  variables {
    secrets = { "a b" = "x" }
  }
  expect_failures = [var.secrets]
}

run "gone_at_once" {
  command = plan
  variables {
    recovery_days = 0
  }
  expect_failures = [var.recovery_days]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
