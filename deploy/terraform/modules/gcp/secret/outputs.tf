output "names" {
  description = "Names of the secrets."
  value       = keys(google_secret_manager_secret.this)
}
