mock_provider "aws" {}

variables {
  name        = "ecommerce"
  monthly_usd = 600
  emails      = ["shop@example.com"]
  tag         = { name = "Environment", value = "dev" }
}

run "who_pays_hears_of_it_in_time" {
  command = plan

  assert {
    condition     = length(aws_budgets_budget.this.notification) == 2 && aws_budgets_budget.this.limit_amount == "600"
    error_message = "at four fifths spent, and when the month is forecast to be dearer"
  }
  assert {
    condition     = one(one(aws_budgets_budget.this.cost_filter).values) == "user:Environment$dev"
    error_message = "only what belongs to the environment"
  }
}

run "nothing" {
  command = plan
  variables {
    monthly_usd = 0
  }
  expect_failures = [var.monthly_usd]
}

run "nobody" {
  command = plan
  variables {
    emails = []
  }
  expect_failures = [var.emails]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
