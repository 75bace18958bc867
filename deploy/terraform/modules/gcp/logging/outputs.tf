output "sink" {
  description = "Name of the sink."
  value       = google_logging_project_sink.this.name
}
