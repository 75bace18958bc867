output "email" {
  description = "Address of the account."
  value       = google_service_account.this.email
}

output "unique_id" {
  description = "Its unique id: gcp_job_subject of the aws composition."
  value       = google_service_account.this.unique_id
}
