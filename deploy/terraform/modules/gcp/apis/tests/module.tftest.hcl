mock_provider "google" {}

variables {
  project_id = "example-project"
}

run "the_documented_apis" {
  command = plan

  assert {
    condition     = alltrue([for each in ["compute", "container", "dataproc", "storage", "sqladmin", "cloudresourcemanager"] : contains(keys(google_project_service.this), "${each}.googleapis.com")])
    error_message = "the six of the documents are on"
  }
  assert {
    condition     = alltrue([for each in google_project_service.this : !each.disable_on_destroy])
    error_message = "others may use them"
  }
}

run "an_api_that_is_none" {
  command = plan
  variables {
    apis = ["storage"]
  }
  expect_failures = [var.apis]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
