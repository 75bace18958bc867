mock_provider "helm" {}

variables {
  cluster_name     = "ecommerce-eks"
  region           = "us-east-1"
  tags             = { Project = "ecommerce" }
  load_balancer    = { role_arn = "arn:aws:iam::111122223333:role/balancer", vpc_id = "vpc-1" }
  external_secrets = {}
  autoscaler       = { role_arn = "arn:aws:iam::111122223333:role/autoscaler" }
}

run "each_with_its_own_role" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.load_balancer[0].values[0]).serviceAccount == { create = true, name = "aws-load-balancer-controller", annotations = { "eks.amazonaws.com/role-arn" = "arn:aws:iam::111122223333:role/balancer" } }
    error_message = "the balancer's controller has its account and role"
  }
  assert {
    condition     = yamldecode(helm_release.autoscaler[0].values[0]).rbac.serviceAccount.annotations["eks.amazonaws.com/role-arn"] == "arn:aws:iam::111122223333:role/autoscaler"
    error_message = "the autoscaler has its own"
  }
  assert {
    condition     = !strcontains(helm_release.external_secrets[0].values[0], "role-arn") && !yamldecode(helm_release.external_secrets[0].values[0]).processClusterStore
    error_message = "External Secrets has none, and no store for the whole cluster"
  }
}

run "it_is_told_where_it_is_and_what_to_leave_alone" {
  command = plan

  assert {
    condition     = yamldecode(helm_release.load_balancer[0].values[0]).vpcId == "vpc-1" && yamldecode(helm_release.load_balancer[0].values[0]).region == "us-east-1" && yamldecode(helm_release.load_balancer[0].values[0]).clusterName == "ecommerce-eks" && yamldecode(helm_release.load_balancer[0].values[0]).defaultTags.Project == "ecommerce"
    error_message = "pods cannot ask the node"
  }
  assert {
    condition     = alltrue([for each in ["enableShield", "enableWaf", "enableWafv2", "enableServiceMutatorWebhook"] : !yamldecode(helm_release.load_balancer[0].values[0])[each]])
    error_message = "nothing that its role may not do"
  }
}

run "by_the_agent_of_eks" {
  command = plan
  variables {
    identity = "pod_identity"
  }

  assert {
    condition     = !strcontains(helm_release.load_balancer[0].values[0], "role-arn") && !strcontains(helm_release.autoscaler[0].values[0], "role-arn")
    error_message = "the association takes the annotation's place"
  }
}

run "none" {
  command = plan
  variables {
    load_balancer    = null
    external_secrets = null
    autoscaler       = null
  }

  assert {
    condition     = length(output.releases) == 0
    error_message = "nothing is installed"
  }
}

run "an_identity_that_is_none" {
  command = plan
  variables {
    identity = "keys"
  }
  expect_failures = [var.identity]
}

run "a_range_of_the_balancers_chart" {
  command = plan
  variables {
    load_balancer = { role_arn = "arn:aws:iam::111122223333:role/balancer", vpc_id = "vpc-1", chart_version = "~> 3.0" }
  }
  expect_failures = [var.load_balancer]
}

run "a_range_of_the_secrets_chart" {
  command = plan
  variables {
    external_secrets = { chart_version = "latest" }
  }
  expect_failures = [var.external_secrets]
}

run "a_range_of_the_autoscalers_chart" {
  command = plan
  variables {
    autoscaler = { role_arn = "arn:aws:iam::111122223333:role/autoscaler", chart_version = "9" }
  }
  expect_failures = [var.autoscaler]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
