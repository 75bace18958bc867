mock_provider "google" {}

variables {
  project_id     = "example-project"
  aws_account_id = "111122223333"
  roles          = { ecommerce-analytics-service = "projects/example-project/serviceAccounts/submitter@example-project.iam.gserviceaccount.com" }
}

run "one_role_of_one_account" {
  command = plan

  assert {
    condition     = google_iam_workload_identity_pool_provider.aws.attribute_condition == "attribute.aws_role in ['ecommerce-analytics-service']" && one(google_iam_workload_identity_pool_provider.aws.aws).account_id == "111122223333"
    error_message = "no other role is let in"
  }
}

run "a_name_of_google" {
  command = plan
  variables {
    name = "gcp-pool"
  }
  expect_failures = [var.name]
}

run "an_account_that_is_none" {
  command = plan
  variables {
    aws_account_id = "mine"
  }
  expect_failures = [var.aws_account_id]
}

run "every_role" {
  command = plan
  variables {
    roles = {}
  }
  expect_failures = [var.roles]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
