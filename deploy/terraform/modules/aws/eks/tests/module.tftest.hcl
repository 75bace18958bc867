mock_provider "aws" {
  mock_resource "aws_eks_cluster" {
    defaults = {
      identity              = [{ oidc = [{ issuer = "https://oidc.eks.us-east-1.amazonaws.com/id/0123" }] }]
      certificate_authority = [{ data = "eA==" }]
    }
  }
}

variables {
  subnet_ids  = ["subnet-1", "subnet-2", "subnet-3"]
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "the_documented_nodes_and_a_private_api" {
  command = plan

  assert {
    condition     = aws_eks_cluster.this.name == "ecommerce-eks" && aws_eks_node_group.this.instance_types[0] == "t3.medium" && aws_eks_node_group.this.capacity_type == "ON_DEMAND" && one(aws_eks_node_group.this.scaling_config).min_size == 3 && one(aws_eks_node_group.this.scaling_config).max_size == 10
    error_message = "the documented sizes are the defaults"
  }
  assert {
    condition     = !one(aws_eks_cluster.this.vpc_config).endpoint_public_access && one(aws_eks_cluster.this.vpc_config).endpoint_private_access
    error_message = "the API is private unless networks are named"
  }
  assert {
    condition     = one(one(aws_launch_template.nodes.block_device_mappings).ebs).volume_size == 50 && one(aws_launch_template.nodes.metadata_options).http_tokens == "required"
    error_message = "50 GB, and no credentials for a pod that asks the node"
  }
}

run "machines_and_disks_are_tagged" {
  command = plan
  variables {
    tags = { Project = "ecommerce" }
  }

  assert {
    condition     = toset([for each in aws_launch_template.nodes.tag_specifications : each.resource_type if each.tags.Project == "ecommerce"]) == toset(["instance", "network-interface", "volume"])
    error_message = "what the template makes"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.this["aws-ebs-csi-driver"].configuration_values).controller.extraVolumeTags.Project == "ecommerce"
    error_message = "what pods ask for"
  }
}

run "what_waits_for_nodes_comes_after_them" {
  command = plan

  assert {
    condition     = toset(keys(aws_eks_addon.node)) == toset(["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])
    error_message = "before the nodes only what runs on them by itself"
  }
  assert {
    condition     = jsondecode(aws_eks_addon.node["vpc-cni"].configuration_values).env.ENABLE_PREFIX_DELEGATION == "true"
    error_message = "addresses for more pods than a machine has by default"
  }
  assert {
    condition     = toset(keys(aws_eks_addon.this)) == toset(["coredns", "metrics-server", "aws-ebs-csi-driver"])
    error_message = "names, measures and disks, whose pods need a node"
  }
  assert {
    condition     = aws_iam_role.volumes.name == "ecommerce-eks-volumes" && endswith(aws_iam_role_policy_attachment.volumes.policy_arn, ":iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy")
    error_message = "the driver of disks has a role of its own"
  }
}

run "no_network_before_the_nodes" {
  command = plan
  variables {
    addons = { vpc-cni = {}, coredns = {} }
  }
  expect_failures = [var.addons]
}

run "the_api_from_named_networks" {
  command = plan
  variables {
    public_access_cidrs = ["198.51.100.0/24"]
  }

  assert {
    condition     = one(aws_eks_cluster.this.vpc_config).endpoint_public_access
    error_message = "named networks reach it"
  }
}

run "a_name_with_a_space" {
  command = plan
  variables {
    name = "a cluster"
  }
  expect_failures = [var.name]
}

run "a_version_out_of_support" {
  command = plan
  variables {
    kubernetes_version = "1.28"
  }
  expect_failures = [var.kubernetes_version]
}

run "one_zone" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "the_whole_world" {
  command = plan
  variables {
    public_access_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.public_access_cidrs]
}

run "a_capacity_that_there_is_not" {
  command = plan
  variables {
    capacity_type = "CHEAP"
  }
  expect_failures = [var.capacity_type]
}

run "fewer_at_most_than_at_least" {
  command = plan
  variables {
    node_count = { min = 3, desired = 3, max = 2 }
  }
  expect_failures = [var.node_count]
}

run "a_disk_that_is_too_small" {
  command = plan
  variables {
    node_disk_gb = 8
  }
  expect_failures = [var.node_disk_gb]
}

run "access_for_nobody" {
  command = plan
  variables {
    access = { me = { principal_arn = "me" } }
  }
  expect_failures = [var.access]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
