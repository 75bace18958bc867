mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name                  = "ecommerce"
  repository            = "example/stoa"
  image_repository_arns = ["arn:aws:ecr:us-east-1:111122223333:repository/ecommerce/api-gateway"]
  state_bucket          = "states"
  state_key_alias       = "alias/states"
}

run "a_role_for_each_purpose_and_no_key" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role.this["push"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:example/stoa:environment:production"
    error_message = "images come from one environment of one repository"
  }
  assert {
    condition     = jsondecode(aws_iam_role.this["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:example/stoa:pull_request"
    error_message = "plans are for pull requests"
  }
  assert {
    condition     = jsondecode(aws_iam_role_policy.push.policy).Statement[1].Resource == ["arn:aws:ecr:us-east-1:111122223333:repository/ecommerce/api-gateway"] && length(setintersection(jsondecode(aws_iam_role_policy.push.policy).Statement[1].Action, ["ecr:DeleteRepository", "ecr:BatchDeleteImage", "ecr:PutImageTagMutability"])) == 0
    error_message = "it pushes, and removes nothing"
  }
  assert {
    condition     = alltrue([for each in jsondecode(aws_iam_role_policy.plan.policy).Statement : contains(each.Action, "s3:PutObject") ? endswith(each.Resource[0], ".tflock") : true])
    error_message = "a plan writes its lock alone"
  }
}

run "a_plan_reads_states_that_are_encrypted" {
  command = plan

  assert {
    condition     = [for each in jsondecode(aws_iam_role_policy.plan.policy).Statement : each.Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"] if contains(each.Action, "kms:Decrypt")] == ["alias/states"]
    error_message = "with the key of states, and no other"
  }
}

run "a_plan_reads_the_states_that_are_planned_and_what_awss_own_policies_leave_out" {
  command = plan

  assert {
    condition     = [for each in jsondecode(aws_iam_role_policy.plan.policy).Statement : each.Resource if contains(each.Action, "s3:GetObject")] == [["arn:aws:s3:::states/shop/dev.tfstate", "arn:aws:s3:::states/shop/dev.tfstate.tflock"]]
    error_message = "the state of prod, with the keys of its tunnels, is not for pull requests"
  }
  assert {
    condition     = toset(flatten([for each in jsondecode(aws_iam_role_policy.settings.policy).Statement : each.Action])) == toset(["budgets:ListTagsForResource", "budgets:ViewBudget", "lambda:GetEventSourceMapping", "lambda:GetFunction"])
    error_message = "without these a plan of functions and of the budget is refused"
  }
}

run "every_state" {
  command = plan
  variables {
    state_keys = ["*"]
  }
  expect_failures = [var.state_keys]
}

run "every_key" {
  command = plan
  variables {
    state_key_alias = "alias/*"
  }
  expect_failures = [var.state_key_alias]
}

run "a_name_with_a_dot" {
  command = plan
  variables {
    name = "a.b"
  }
  expect_failures = [var.name]
}

run "every_repository_of_an_owner" {
  command = plan
  variables {
    repository = "example/*"
  }
  expect_failures = [var.repository]
}

run "every_environment" {
  command = plan
  variables {
    push_environment = "*"
  }
  expect_failures = [var.push_environment]
}

run "every_repository_of_images" {
  command = plan
  variables {
    image_repository_arns = ["arn:aws:ecr:us-east-1:111122223333:repository/*"]
  }
  expect_failures = [var.image_repository_arns]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
