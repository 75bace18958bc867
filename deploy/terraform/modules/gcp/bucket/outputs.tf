output "name" {
  description = "Name of the bucket."
  value       = google_storage_bucket.this.name
  depends_on  = [google_storage_bucket_iam_member.logs]
}

output "url" {
  description = "gs:// address."
  value       = google_storage_bucket.this.url
}
