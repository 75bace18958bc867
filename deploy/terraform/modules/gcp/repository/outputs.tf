output "url" {
  description = "Where images are pushed: before the name of an image."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.this.repository_id}"
}
