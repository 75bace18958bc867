mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name = "ecommerce-order-documents-111122223333"
}

run "a_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.ignore_public_acls
    error_message = "nothing in it is public"
  }
  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "what is overwritten can be brought back"
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "objects are encrypted"
  }
  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[0].abort_incomplete_multipart_upload).days_after_initiation == 3
    error_message = "unfinished uploads go after three days"
  }
}

run "a_key_of_ones_own" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "the key is used"
  }
}

run "plain_text_is_denied" {
  command = plan

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "TLS alone"
  }
}

run "a_function_is_told_of_csv_files" {
  command = plan
  variables {
    notify_functions = { import = { arn = "arn:aws:lambda:us-east-1:111122223333:function:product-import", suffix = ".csv" } }
  }

  assert {
    condition     = aws_s3_bucket_notification.this[0].lambda_function[0].filter_suffix == ".csv"
    error_message = "only of what it can read"
  }
}

run "logs_come_from_one_account" {
  command = plan
  variables {
    log_source_account = "111122223333"
    expire_days        = 90
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[1].Condition.StringEquals["aws:SourceAccount"] == "111122223333"
    error_message = "no other account writes logs here"
  }
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "shop.example"
  }
  expect_failures = [var.name]
}

run "no_day_to_notice_a_mistake" {
  command = plan
  variables {
    noncurrent_days = 0
  }
  expect_failures = [var.noncurrent_days]
}

run "objects_that_go_at_once" {
  command = plan
  variables {
    expire_days = 0
  }
  expect_failures = [var.expire_days]
}

run "an_account_that_is_none" {
  command = plan
  variables {
    log_source_account = "mine"
  }
  expect_failures = [var.log_source_account]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
