mock_provider "google" {}

variables {
  project_id = "example-project"
  name       = "ecommerce-flink-code-example-project"
}

run "uniform_private_and_versioned" {
  command = plan

  assert {
    condition     = google_storage_bucket.this.uniform_bucket_level_access && google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.force_destroy && one(google_storage_bucket.this.versioning).enabled
    error_message = "as documented, and nothing is public"
  }
}

run "logs_of_other_buckets" {
  command = plan
  variables {
    takes_logs = true
  }

  assert {
    condition     = google_storage_bucket_iam_member.logs[0].member == "group:cloud-storage-analytics@google.com" && google_storage_bucket_iam_member.logs[0].role == "roles/storage.objectCreator"
    error_message = "Cloud Storage may write there"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Code"
  }
  expect_failures = [var.name]
}

run "no_day" {
  command = plan
  variables {
    noncurrent_days = 0
  }
  expect_failures = [var.noncurrent_days]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
