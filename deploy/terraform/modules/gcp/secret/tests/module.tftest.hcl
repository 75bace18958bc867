mock_provider "google" {}

variables {
  project_id = "example-project"
  secrets    = { ecommerce-stripe-credentials = "Stripe's keys" }
  reader     = "serviceAccount:x@example-project.iam.gserviceaccount.com"
}

run "one_reader_a_secret_at_a_time" {
  command = plan

  assert {
    condition     = google_secret_manager_secret_iam_member.reader["ecommerce-stripe-credentials"].role == "roles/secretmanager.secretAccessor"
    error_message = "not every secret of the project"
  }
}

run "a_name_with_a_slash" {
  command = plan
  variables {
    secrets = { "a/b" = "x" }
  }
  expect_failures = [var.secrets]
}

run "everybody" {
  command = plan
  variables {
    reader = "allUsers"
  }
  expect_failures = [var.reader]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
