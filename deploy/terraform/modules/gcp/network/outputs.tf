output "id" {
  description = "Id of the network."
  value       = google_compute_network.this.id
}

output "subnet" {
  description = "Link of the subnet."
  value       = google_compute_subnetwork.this.self_link
  depends_on  = [google_compute_firewall.inside, google_compute_router_nat.this] # machines that find no other, and no way out, give up
}

output "router" {
  description = "Name of the router."
  value       = google_compute_router.this.name
}

output "nat_addresses" {
  description = "Addresses that the jobs are seen with: gcp_addresses of the aws composition, with kafka_edge = public."
  value       = [google_compute_address.nat.address]
}
