mock_provider "google" {}

variables {
  project_id = "example-project"
}

run "jobs_and_clusters" {
  command = plan

  assert {
    condition     = google_logging_project_bucket_config.this.retention_days == 90 && google_logging_project_sink.this.project == google_logging_project_bucket_config.this.project
    error_message = "kept for a quarter, in the sink's own project: a bucket of another one would ask for a role of the writer"
  }
}

run "a_name_with_a_space" {
  command = plan
  variables {
    name = "a b"
  }
  expect_failures = [var.name]
}

run "no_day" {
  command = plan
  variables {
    retention_days = 0
  }
  expect_failures = [var.retention_days]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
