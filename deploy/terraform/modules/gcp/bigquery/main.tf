# Where the jobs put rows for people who ask in SQL. The jobs make their tables.
resource "google_bigquery_dataset" "this" {
  project                    = var.project_id
  dataset_id                 = var.name
  location                   = var.location
  description                = "Windows of the shop's events"
  delete_contents_on_destroy = var.force_destroy
  labels                     = var.labels

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key_name == null ? [] : [var.kms_key_name]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }
}

resource "google_bigquery_dataset_iam_member" "writers" {
  for_each = var.writers

  project    = var.project_id
  dataset_id = google_bigquery_dataset.this.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = each.value
}
