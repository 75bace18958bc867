mock_provider "aws" {}

variables {
  tables = {
    ecommerce-orders = {
      hash    = "id"
      numbers = ["due_shard"]
      ttl     = "expires_at"
      indexes = [{ name = "by_due", hash = "due_shard", range = "due_at" }]
    }
  }
}

run "a_table_has_its_keys_with_their_types" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this["ecommerce-orders"].hash_key == "id"
    error_message = "the hash key is the one given"
  }
  assert {
    condition     = { for each in aws_dynamodb_table.this["ecommerce-orders"].attribute : each.name => each.type } == { id = "S", due_shard = "N", due_at = "S" }
    error_message = "each key attribute is declared once, with its type"
  }
  assert {
    condition     = aws_dynamodb_table.this["ecommerce-orders"].ttl[0].attribute_name == "expires_at"
    error_message = "the time to live has its attribute"
  }
}

run "a_table_is_protected_encrypted_and_recoverable" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.this["ecommerce-orders"].deletion_protection_enabled && aws_dynamodb_table.this["ecommerce-orders"].point_in_time_recovery[0].enabled && aws_dynamodb_table.this["ecommerce-orders"].server_side_encryption[0].enabled
    error_message = "what a shop sold is not lost by a mistake"
  }
}

run "a_prefix_stands_before_each_name" {
  command = plan
  variables {
    prefix = "dev-"
  }

  assert {
    condition     = output.names["ecommerce-orders"] == "dev-ecommerce-orders"
    error_message = "the prefix is part of the name"
  }
}

run "a_name_that_dynamodb_refuses" {
  command = plan
  variables {
    tables = { "a b" = { hash = "id" } }
  }
  expect_failures = [var.tables]
}

run "too_many_indexes" {
  command = plan
  variables {
    tables = { wide = { hash = "id", indexes = [for n in range(21) : { name = "by_${n}", hash = "a${n}" }] } }
  }
  expect_failures = [var.tables]
}

run "a_number_that_is_no_key" {
  command = plan
  variables {
    tables = { odd = { hash = "id", numbers = ["price"] } }
  }
  expect_failures = [var.tables]
}

run "a_prefix_that_is_too_long" {
  command = plan
  variables {
    prefix = "a-very-long-prefix-"
  }
  expect_failures = [var.prefix]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
