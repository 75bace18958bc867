output "provider" {
  description = "Audience for AWS' side: name of the provider."
  value       = google_iam_workload_identity_pool_provider.aws.name
}
