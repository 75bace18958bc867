mock_provider "google" {}

variables {
  project_id = "example-project"
  network_id = "ecommerce-network"
  router     = "ecommerce-network"
}

run "the_gateway_first" {
  command = plan

  assert {
    condition     = length(google_compute_vpn_tunnel.this) == 0
    error_message = "AWS is told the addresses before there are tunnels"
  }
}

run "two_tunnels_an_interface" {
  command = plan
  variables {
    tunnels     = [for n in range(4) : { address = "198.51.100.${n}", inside_here = "169.254.${n}.1", inside_there = "169.254.${n}.2" }]
    tunnel_keys = ["a", "b", "c", "d"]
  }

  assert {
    condition     = [for each in google_compute_vpn_tunnel.this : each.vpn_gateway_interface] == [0, 0, 1, 1] && google_compute_router_peer.this[3].peer_ip_address == "169.254.3.1"
    error_message = "either interface may be lost"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Edge"
  }
  expect_failures = [var.name]
}

run "one_tunnel" {
  command = plan
  variables {
    tunnels     = [{ address = "198.51.100.1", inside_here = "169.254.1.1", inside_there = "169.254.1.2" }]
    tunnel_keys = ["a"]
  }
  expect_failures = [var.tunnels]
}

run "tunnels_without_keys" {
  command = plan
  variables {
    tunnels = [for n in range(4) : { address = "198.51.100.${n}", inside_here = "169.254.${n}.1", inside_there = "169.254.${n}.2" }]
  }
  expect_failures = [var.tunnel_keys]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
