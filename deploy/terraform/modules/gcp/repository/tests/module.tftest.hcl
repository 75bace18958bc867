mock_provider "google" {}

variables {
  project_id = "example-project"
  readers    = { nodes = "serviceAccount:nodes@example-project.iam.gserviceaccount.com" }
}

run "tags_do_not_move_and_readers_are_named" {
  command = plan

  assert {
    condition     = google_artifact_registry_repository.this.format == "DOCKER" && one(google_artifact_registry_repository.this.docker_config).immutable_tags
    error_message = "a tag names one image"
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.readers["nodes"].role == "roles/artifactregistry.reader" && output.url == "us-central1-docker.pkg.dev/example-project/ecommerce"
    error_message = "nodes read from where images are pushed"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Images"
  }
  expect_failures = [var.name]
}

run "one_image" {
  command = plan
  variables {
    kept_images = 1
  }
  expect_failures = [var.kept_images]
}

run "everybody" {
  command = plan
  variables {
    readers = { all = "allUsers" }
  }
  expect_failures = [var.readers]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
