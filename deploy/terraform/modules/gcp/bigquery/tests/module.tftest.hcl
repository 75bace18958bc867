mock_provider "google" {}

variables {
  project_id = "example-project"
  writers    = { jobs = "serviceAccount:x@example-project.iam.gserviceaccount.com" }
}

run "the_jobs_write_one_dataset" {
  command = plan

  assert {
    condition     = google_bigquery_dataset_iam_member.writers["jobs"].role == "roles/bigquery.dataEditor" && google_bigquery_dataset.this.dataset_id == "ecommerce_analytics"
    error_message = "that dataset, and no other"
  }
}

run "an_id_with_a_dash" {
  command = plan
  variables {
    name = "ecommerce-analytics"
  }
  expect_failures = [var.name]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
