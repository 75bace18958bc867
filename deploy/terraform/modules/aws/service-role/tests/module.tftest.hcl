mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name            = "ecommerce-cart-service"
  oidc_issuer     = "https://oidc.eks.us-east-1.amazonaws.com/id/0123"
  service_account = "cart-service"
  statements = [{
    actions   = ["dynamodb:GetItem"]
    resources = ["arn:aws:dynamodb:us-east-1:111122223333:table/ecommerce-carts"]
  }]
}

run "one_service_account_may_take_the_role" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["oidc.eks.us-east-1.amazonaws.com/id/0123:sub"] == "system:serviceaccount:ecommerce:cart-service"
    error_message = "the trust names the account"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.this[0].policy).Statement[0].Action[0] == "dynamodb:GetItem"
    error_message = "the policy has the statement's actions"
  }
}

run "by_the_agent_of_eks" {
  command = plan
  variables {
    identity     = "pod_identity"
    cluster_name = "ecommerce-eks"
  }

  assert {
    condition     = aws_eks_pod_identity_association.this[0].service_account == "cart-service" && jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "pods.eks.amazonaws.com"
    error_message = "the association takes the place of the issuer"
  }
}

run "a_role_with_no_needs_has_no_policy" {
  command = plan
  variables {
    statements = []
  }

  assert {
    condition     = length(aws_iam_role_policy.this) == 0
    error_message = "nothing is allowed"
  }
}

run "a_name_with_a_space" {
  command = plan
  variables {
    name = "a role"
  }
  expect_failures = [var.name]
}

run "an_identity_that_is_none" {
  command = plan
  variables {
    identity = "keys"
  }
  expect_failures = [var.identity]
}

run "an_issuer_in_plain_text" {
  command = plan
  variables {
    oidc_issuer = "http://oidc"
  }
  expect_failures = [var.oidc_issuer]
}

run "a_namespace_pattern" {
  command = plan
  variables {
    namespace = "*"
  }
  expect_failures = [var.namespace]
}

run "an_account_pattern" {
  command = plan
  variables {
    service_account = "*"
  }
  expect_failures = [var.service_account]
}

run "an_action_pattern" {
  command = plan
  variables {
    statements = [{ actions = ["dynamodb:*"], resources = ["arn:aws:dynamodb:us-east-1:111122223333:table/x"] }]
  }
  expect_failures = [var.statements]
}

run "every_resource" {
  command = plan
  variables {
    statements = [{ actions = ["dynamodb:GetItem"], resources = ["*"] }]
  }
  expect_failures = [var.statements]
}

run "descriptions_of_everything_and_the_rest_by_tag" {
  command = plan
  variables {
    statements = [
      { actions = ["autoscaling:DescribeTags"], resources = ["*"] },
      {
        actions    = ["autoscaling:SetDesiredCapacity"]
        resources  = ["arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:*:autoScalingGroupName/eks-x"]
        conditions = { StringEquals = { "aws:ResourceTag/owner" = ["x"] } }
      },
    ]
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this[0].policy).Statement[1].Condition.StringEquals["aws:ResourceTag/owner"] == ["x"]
    error_message = "conditions are written as they are given"
  }
}

run "every_secret_is_no_description" {
  command = plan
  variables {
    statements = [{ actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], resources = ["*"] }]
  }
  expect_failures = [var.statements]
}

run "two_kinds_of_conditions" {
  command = plan
  variables {
    statements = [{
      actions     = ["kms:Decrypt"], resources = ["arn:aws:kms:us-east-1:111122223333:key/x"]
      via_service = ["s3.us-east-1.amazonaws.com"], conditions = { Bool = { "aws:SecureTransport" = ["true"] } }
    }]
  }
  expect_failures = [var.statements]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
