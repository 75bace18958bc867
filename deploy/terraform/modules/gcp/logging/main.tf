# What jobs and clusters log, kept in one bucket of logs for longer than Google's month.
resource "google_logging_project_bucket_config" "this" {
  project        = var.project_id
  location       = var.location
  bucket_id      = var.name
  retention_days = var.retention_days
  description    = "The shop's jobs and clusters"
}

# Into a bucket of its own project a sink writes by itself: there is no writer's account that could be given a role.
resource "google_logging_project_sink" "this" {
  project                = var.project_id
  name                   = var.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.this.id}"
  filter                 = var.filter
  unique_writer_identity = true
}
