output "address" {
  description = "Address in the network."
  value       = google_sql_database_instance.this.private_ip_address
}
