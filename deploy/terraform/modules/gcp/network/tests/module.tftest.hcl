mock_provider "google" {}

variables {
  project_id = "example-project"
}

run "the_documented_network" {
  command = plan

  assert {
    condition     = google_compute_network.this.name == "ecommerce-network" && google_compute_subnetwork.this.name == "ecommerce-subnet" && google_compute_network.this.routing_mode == "REGIONAL" && google_compute_subnetwork.this.private_ip_google_access
    error_message = "the documented names, regional routing, Google's services inside"
  }
}

run "machines_of_a_cluster_reach_each_other_at_all_ports" {
  command = plan

  assert {
    condition     = contains(google_compute_firewall.inside.source_ranges, "10.10.0.0/20") && alltrue([for each in google_compute_firewall.inside.allow : contains(each.ports, "0-65535") if each.protocol != "icmp"])
    error_message = "Dataproc asks for all of TCP and UDP between its machines, and nobody else comes in"
  }
}

run "ranges_for_kubernetes" {
  command = plan
  variables {
    kubernetes_ranges = { pods = "10.20.0.0/16", services = "10.30.0.0/20" }
  }

  assert {
    condition     = length(google_compute_subnetwork.this.secondary_ip_range) == 2
    error_message = "pods and services have ranges"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Network"
  }
  expect_failures = [var.name]
}

run "the_addresses_of_the_other_cloud" {
  command = plan
  variables {
    cidr = "10.0.0.0/20"
  }
  expect_failures = [var.cidr]
}

run "a_public_number" {
  command = plan
  variables {
    asn = 15169
  }
  expect_failures = [var.asn]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
