mock_provider "aws" {}

variables {
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_groups = { nodes = "sg-1" }
  kms_key_arn            = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "the_documented_brokers" {
  command = plan

  assert {
    condition     = aws_msk_cluster.this.cluster_name == "ecommerce-kafka" && aws_msk_cluster.this.kafka_version == "3.9.x" && aws_msk_cluster.this.number_of_broker_nodes == 3 && one(aws_msk_cluster.this.broker_node_group_info).instance_type == "kafka.t3.small"
    error_message = "the documented sizes are the defaults"
  }
  assert {
    condition     = one(one(one(aws_msk_cluster.this.broker_node_group_info).storage_info).ebs_storage_info).volume_size == 100
    error_message = "100 GB a broker"
  }
  assert {
    condition     = one(one(aws_msk_cluster.this.encryption_info).encryption_in_transit).client_broker == "TLS" && one(one(aws_msk_cluster.this.encryption_info).encryption_in_transit).in_cluster
    error_message = "TLS everywhere"
  }
  assert {
    condition     = toset([for each in aws_vpc_security_group_ingress_rule.inside : each.from_port]) == toset([9094, 9098])
    error_message = "the ports of TLS and IAM, and no other"
  }
}

run "public_brokers_for_the_other_cloud" {
  command = plan
  variables {
    public              = true
    public_open         = true
    scram               = true
    public_client_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.outside) == 2 && one(one(one(aws_msk_cluster.this.broker_node_group_info).connectivity_info).public_access).type == "SERVICE_PROVIDED_EIPS"
    error_message = "from the given address, with IAM and SCRAM"
  }
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "a.b"
  }
  expect_failures = [var.name]
}

run "a_version_that_is_not_written_out" {
  command = plan
  variables {
    kafka_version = "3.9"
  }
  expect_failures = [var.kafka_version]
}

run "a_version_out_of_support" {
  command = plan
  variables {
    kafka_version = "3.5.1"
  }
  expect_failures = [var.kafka_version]
}

run "a_new_version_has_a_configuration_of_its_own" {
  command = plan
  variables {
    kafka_version = "4.0.x.kraft"
  }

  assert {
    condition     = aws_msk_configuration.this.name == "ecommerce-kafka-4-0-x-kraft"
    error_message = "the old one is there until the brokers have the new one, and names are unique"
  }
}

run "one_broker" {
  command = plan
  variables {
    brokers = 1
  }
  expect_failures = [var.brokers]
}

run "a_machine_of_another_kind" {
  command = plan
  variables {
    instance_type = "t3.small"
  }
  expect_failures = [var.instance_type]
}

run "no_storage" {
  command = plan
  variables {
    storage_gb = 0
  }
  expect_failures = [var.storage_gb]
}

run "one_zone" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "public_without_credentials" {
  command = plan
  variables {
    public = true
    iam    = false
  }
  expect_failures = [var.public]
}

run "public_for_the_whole_world" {
  command = plan
  variables {
    public              = true
    public_client_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.public_client_cidrs]
}

run "it_is_made_closed" {
  command = plan
  variables {
    public              = true
    scram               = true
    public_client_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = one(one(one(aws_msk_cluster.this.broker_node_group_info).connectivity_info).public_access).type == "DISABLED" && strcontains(aws_msk_configuration.this.server_properties, "allow.everyone.if.no.acl.found=false")
    error_message = "AWS makes no cluster with public addresses; the settings that they ask for are there from the first apply on"
  }
}

run "opened_without_being_made_for_it" {
  command = plan
  variables {
    public_open = true
  }
  expect_failures = [var.public_open]
}

run "pollers_of_functions" {
  command = plan
  variables {
    lambda_pollers = true
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.pollers[0].from_port == 9098 && toset([for each in aws_vpc_security_group_egress_rule.pollers : each.to_port]) == toset([9098, 443])
    error_message = "they stand in the brokers' group: to Kafka and to the endpoints"
  }
}

run "pollers_without_iam" {
  command = plan
  variables {
    lambda_pollers = true
    iam            = false
    scram          = true
  }
  expect_failures = [var.lambda_pollers]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
