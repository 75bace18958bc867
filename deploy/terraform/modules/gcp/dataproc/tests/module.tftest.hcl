mock_provider "google" {}

variables {
  project_id      = "example-project"
  subnet          = "ecommerce-subnet"
  service_account = "ecommerce-flink@example-project.iam.gserviceaccount.com"
  staging_bucket  = "staging"
  temp_bucket     = "temp"
}

run "the_documented_cluster" {
  command = plan

  assert {
    condition     = google_dataproc_cluster.this.name == "ecommerce-analytics" && google_dataproc_cluster.this.region == "us-central1" && one(one(google_dataproc_cluster.this.cluster_config).worker_config).num_instances == 2 && one(one(google_dataproc_cluster.this.cluster_config).master_config).machine_type == "n1-standard-4"
    error_message = "a master and two workers of the documented kind"
  }
  assert {
    condition     = one(one(google_dataproc_cluster.this.cluster_config).software_config).image_version == "2.3-debian12" && contains(one(one(google_dataproc_cluster.this.cluster_config).software_config).optional_components, "FLINK") && one(one(google_dataproc_cluster.this.cluster_config).endpoint_config).enable_http_port_access
    error_message = "the documented image, with Flink, and its pages reached by Google's gateway"
  }
  assert {
    condition     = one(one(google_dataproc_cluster.this.cluster_config).gce_cluster_config).internal_ip_only
    error_message = "no machine has a public address"
  }
}

run "the_master_alone" {
  command = plan
  variables {
    workers = 0
  }

  assert {
    condition     = one(one(google_dataproc_cluster.this.cluster_config).software_config).override_properties["dataproc:dataproc.allow.zero.workers"] == "true"
    error_message = "zero workers are allowed by a property"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Cluster"
  }
  expect_failures = [var.name]
}

run "one_worker" {
  command = plan
  variables {
    workers = 1
  }
  expect_failures = [var.workers]
}

run "a_disk_that_is_too_small" {
  command = plan
  variables {
    disk_gb = 10
  }
  expect_failures = [var.disk_gb]
}

run "an_image_without_its_system" {
  command = plan
  variables {
    image_version = "latest"
  }
  expect_failures = [var.image_version]
}

run "an_image_out_of_support" {
  command = plan
  variables {
    image_version = "2.1-debian11"
  }
  expect_failures = [var.image_version]
}

run "an_image_with_another_spark" {
  command = plan
  variables {
    image_version = "3.0-debian13"
  }
  expect_failures = [var.image_version]
}

run "a_component_that_is_none" {
  command = plan
  variables {
    components = ["FLINK", "PYTHON3"]
  }
  expect_failures = [var.components]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
