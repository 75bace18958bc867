mock_provider "google" {}

variables {
  project_id = "example-project"
}

run "datastore_mode_that_can_be_brought_back" {
  command = plan

  assert {
    condition     = google_firestore_database.this.type == "DATASTORE_MODE" && google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "Datastore mode, protected"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Documents"
  }
  expect_failures = [var.name]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
