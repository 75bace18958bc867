mock_provider "aws" {}

variables {
  name            = "ecommerce-edge"
  vpc_id          = "vpc-1"
  route_table_ids = ["rtb-1", "rtb-2"]
  peer_addresses  = ["203.0.113.1", "203.0.113.2"]
  kms_key_arn     = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "each_interface_of_the_other_side_has_a_connection" {
  command = plan

  assert {
    condition     = length(aws_vpn_connection.this) == 2 && length(aws_vpn_gateway_route_propagation.this) == 2
    error_message = "two connections, and every table learns the way"
  }
}

run "a_public_number" {
  command = plan
  variables {
    asn = 15169
  }
  expect_failures = [var.asn]
}

run "the_same_number_on_both_sides" {
  command = plan
  variables {
    peer_asn = 64512
  }
  expect_failures = [var.peer_asn]
}

run "one_address" {
  command = plan
  variables {
    peer_addresses = ["203.0.113.1"]
  }
  expect_failures = [var.peer_addresses]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
