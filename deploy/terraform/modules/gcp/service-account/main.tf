# An account for one kind of job, with roles on the project and on single buckets; it has no key.
resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.description
}

resource "google_project_iam_member" "this" {
  for_each = toset(var.roles)

  project = var.project_id
  role    = each.key
  member  = "serviceAccount:${google_service_account.this.email}"
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = var.bucket_roles

  bucket = each.value.bucket
  role   = each.value.role
  member = "serviceAccount:${google_service_account.this.email}"
}

# Who may act as it: to submit a job as it is to do what it may.
resource "google_service_account_iam_member" "users" {
  for_each = toset(var.users)

  service_account_id = google_service_account.this.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.key
}
