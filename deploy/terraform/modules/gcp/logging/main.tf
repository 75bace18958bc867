# What jobs and clusters log, kept in one bucket of logs for longer than Google's month.
resource "google_logging_project_bucket_config" "this" {
  project        = var.project_id
  location       = var.location
  bucket_id      = var.name
  retention_days = var.retention_days
  description    = "The shop's jobs and clusters"
}

resource "google_logging_project_sink" "this" {
  project                = var.project_id
  name                   = var.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.this.id}"
  filter                 = var.filter
  unique_writer_identity = true
}

resource "google_project_iam_member" "writer" {
  project = var.project_id
  role    = "roles/logging.bucketWriter"
  member  = google_logging_project_sink.this.writer_identity
}
