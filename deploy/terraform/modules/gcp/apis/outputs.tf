output "enabled" {
  description = "The APIs, once they are on."
  value       = [for each in google_project_service.this : each.service]
}
