mock_provider "google" {}

variables {
  project_id      = "example-project"
  network_id      = "ecommerce-network"
  subnet          = "ecommerce-subnet"
  service_account = "nodes@example-project.iam.gserviceaccount.com"
}

run "private_nodes_with_identities" {
  command = plan

  assert {
    condition     = one(google_container_cluster.this.private_cluster_config).enable_private_nodes && one(google_container_cluster.this.private_cluster_config).enable_private_endpoint && one(google_container_cluster.this.workload_identity_config).workload_pool == "example-project.svc.id.goog"
    error_message = "nothing of it is public, and pods have identities of their own"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Cluster"
  }
  expect_failures = [var.name]
}

run "fewer_at_most_than_at_least" {
  command = plan
  variables {
    node_count = { min = 3, max = 1 }
  }
  expect_failures = [var.node_count]
}

run "a_range_of_another_size" {
  command = plan
  variables {
    control_plane_cidr = "10.10.0.0/16"
  }
  expect_failures = [var.control_plane_cidr]
}

run "the_whole_world" {
  command = plan
  variables {
    api_access_cidrs = ["0.0.0.0/0"]
  }
  expect_failures = [var.api_access_cidrs]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
