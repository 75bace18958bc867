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

run "a_table_reads_json_lines_where_they_lie" {
  command = plan
  variables {
    tables = { orders = { uris = ["gs://results/analytics/orders/*"], columns = { window_start = "TIMESTAMP", total_amount = "NUMERIC" } } }
  }

  assert {
    condition     = google_bigquery_table.lines["orders"].table_id == "orders" && google_bigquery_table.lines["orders"].external_data_configuration[0].source_format == "NEWLINE_DELIMITED_JSON" && google_bigquery_table.lines["orders"].external_data_configuration[0].source_uris[0] == "gs://results/analytics/orders/*"
    error_message = "lines of those objects"
  }
  assert {
    condition     = google_bigquery_table.lines["orders"].external_data_configuration[0].max_bad_records == 0 && !google_bigquery_table.lines["orders"].external_data_configuration[0].ignore_unknown_values && !google_bigquery_table.lines["orders"].external_data_configuration[0].autodetect
    error_message = "a line that is not as described is an error, not left out"
  }
  assert {
    condition     = { for each in jsondecode(google_bigquery_table.lines["orders"].external_data_configuration[0].schema) : each.name => each.type } == { window_start = "TIMESTAMP", total_amount = "NUMERIC" }
    error_message = "the columns that were given"
  }
}

run "a_table_with_a_dash" {
  command = plan
  variables {
    tables = { by-user = { uris = ["gs://results/*"], columns = { user_id = "STRING" } } }
  }
  expect_failures = [var.tables]
}

run "objects_elsewhere" {
  command = plan
  variables {
    tables = { by_user = { uris = ["s3://results/*"], columns = { user_id = "STRING" } } }
  }
  expect_failures = [var.tables]
}

run "two_asterisks" {
  command = plan
  variables {
    tables = { by_user = { uris = ["gs://results/*/x*"], columns = { user_id = "STRING" } } }
  }
  expect_failures = [var.tables]
}

run "an_unknown_type" {
  command = plan
  variables {
    tables = { by_user = { uris = ["gs://results/*"], columns = { user_id = "TEXT" } } }
  }
  expect_failures = [var.tables]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
