mock_provider "google" {}

variables {
  project_id   = "example-project"
  name         = "analytics-runner"
  description  = "Runs the jobs"
  roles        = ["roles/dataproc.worker"]
  bucket_roles = { results = { bucket = "results", role = "roles/storage.objectAdmin" } }
}

run "roles_of_the_project_and_of_one_bucket" {
  command = plan

  assert {
    condition     = google_project_iam_member.this["roles/dataproc.worker"].project == "example-project" && google_storage_bucket_iam_member.this["results"].bucket == "results"
    error_message = "storage is given a bucket at a time"
  }
}

run "a_name_that_is_too_short" {
  command = plan
  variables {
    name = "a"
  }
  expect_failures = [var.name]
}

run "everything" {
  command = plan
  variables {
    roles = ["roles/editor"]
  }
  expect_failures = [var.roles]
}

run "a_role_that_is_none" {
  command = plan
  variables {
    roles = ["worker"]
  }
  expect_failures = [var.roles]
}

run "everybody" {
  command = plan
  variables {
    users = ["allUsers"]
  }
  expect_failures = [var.users]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
