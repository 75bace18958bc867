mock_provider "aws" {}

variables {
  name        = "ecommerce-data"
  description = "test"
}

run "a_key_rotates_and_can_be_taken_back" {
  command = plan

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.deletion_window_in_days == 30
    error_message = "a key rotates, and its deletion waits a month"
  }
  assert {
    condition     = aws_kms_alias.this.name == "alias/ecommerce-data"
    error_message = "the alias is the name"
  }
}

run "services_use_it_only_for_this_account" {
  command = apply
  variables {
    services = ["sns.amazonaws.com"]
  }

  assert {
    condition     = anytrue([for each in jsondecode(aws_kms_key.this.policy).Statement : each.Sid == "Services" && can(each.Condition.StringEquals["aws:SourceAccount"])])
    error_message = "a service may use the key for this account's sake alone"
  }
}

run "logs_are_known_by_their_group" {
  command = apply
  variables {
    logs_region = "us-east-1"
  }

  assert {
    condition     = anytrue([for each in jsondecode(aws_kms_key.this.policy).Statement : each.Sid == "Logs" && try(each.Principal.Service, "") == "logs.us-east-1.amazonaws.com" && can(each.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"])])
    error_message = "CloudWatch's logs are let in by the encryption context"
  }
}

run "logs_among_services_are_refused" {
  command = plan
  variables {
    services = ["logs.us-east-1.amazonaws.com"]
  }
  expect_failures = [var.services]
}

run "an_alias_of_amazon_is_refused" {
  command = plan
  variables {
    name = "aws/s3"
  }
  expect_failures = [var.name]
}

run "a_service_is_a_service" {
  command = plan
  variables {
    services = ["*"]
  }
  expect_failures = [var.services]
}

run "a_window_of_a_day_is_refused" {
  command = plan
  variables {
    deletion_window_days = 1
  }
  expect_failures = [var.deletion_window_days]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
