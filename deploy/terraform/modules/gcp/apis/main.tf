# The APIs that a project must have switched on. They stay on when this is destroyed: others may use them.
resource "google_project_service" "this" {
  for_each = toset(var.apis)

  project            = var.project_id
  service            = each.key
  disable_on_destroy = false
}
