output "addresses" {
  description = "The gateway's two addresses: gcp_addresses of the aws composition, with kafka_edge = vpn."
  value       = google_compute_ha_vpn_gateway.this.vpn_interfaces[*].ip_address
}
