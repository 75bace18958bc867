mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"]
    }
  }
}

variables {
  name = "ecommerce"
}

run "three_zones_with_the_documented_addresses" {
  command = plan

  assert {
    condition     = aws_vpc.this.cidr_block == "10.0.0.0/16" && aws_subnet.public["us-east-1b"].cidr_block == "10.0.2.0/24" && aws_subnet.private["us-east-1c"].cidr_block == "10.0.13.0/24"
    error_message = "the documented addresses are the defaults"
  }
  assert {
    condition     = alltrue([for each in aws_subnet.public : !each.map_public_ip_on_launch])
    error_message = "nothing gets a public address by accident"
  }
}

run "zones_are_such_that_a_cluster_may_stand_in" {
  command = plan

  assert {
    condition     = contains(data.aws_availability_zones.here.exclude_zone_ids, "use1-az3") && contains(one(data.aws_availability_zones.here.filter).values, "opt-in-not-required")
    error_message = "no local zone, and none that EKS refuses"
  }
}

run "each_zone_has_its_own_way_out" {
  command = plan

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3
    error_message = "a zone that is lost takes no other's way out along"
  }
}

run "one_way_out_for_all" {
  command = plan
  variables {
    nat = "single"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 3
    error_message = "one NAT serves every zone"
  }
}

run "no_way_out" {
  command = plan
  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0
    error_message = "without NAT there is no route either"
  }
}

run "services_are_reached_inside" {
  command = plan

  assert {
    condition     = length(aws_vpc_endpoint.gateway) == 2 && toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "sts"])
    error_message = "S3, DynamoDB, ECR and STS have endpoints"
  }
}

run "a_name_with_capitals" {
  command = plan
  variables {
    name = "Shop"
  }
  expect_failures = [var.name]
}

run "a_network_that_is_too_large" {
  command = plan
  variables {
    cidr = "10.0.0.0/8"
  }
  expect_failures = [var.cidr]
}

run "a_single_zone" {
  command = plan
  variables {
    public_subnets  = ["10.0.1.0/24"]
    private_subnets = ["10.0.11.0/24"]
  }
  expect_failures = [var.public_subnets]
}

run "a_public_subnet_that_is_none" {
  command = plan
  variables {
    public_subnets  = ["10.0.1.0/24", "ten"]
    private_subnets = ["10.0.11.0/24", "10.0.12.0/24"]
  }
  expect_failures = [var.public_subnets]
}

run "a_zone_without_a_private_subnet" {
  command = plan
  variables {
    private_subnets = ["10.0.11.0/24"]
  }
  expect_failures = [var.private_subnets]
}

run "a_private_subnet_that_is_none" {
  command = plan
  variables {
    private_subnets = ["10.0.11.0/24", "10.0.12.0/24", "ten"]
  }
  expect_failures = [var.private_subnets]
}

run "a_nat_that_is_none" {
  command = plan
  variables {
    nat = "some"
  }
  expect_failures = [var.nat]
}

run "an_endpoint_that_stands_already" {
  command = plan
  variables {
    interface_endpoints = ["s3"]
  }
  expect_failures = [var.interface_endpoints]
}

run "a_retention_that_there_is_not" {
  command = plan
  variables {
    flow_log_days = 2
  }
  expect_failures = [var.flow_log_days]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
