# Results for people who ask in SQL: tables that jobs make and fill, and tables over JSON lines that lie in a bucket.
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

# Read where they lie, at each question: nothing is loaded, so nothing is loaded twice.
resource "google_bigquery_table" "lines" {
  for_each = var.tables

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = each.key
  deletion_protection = false # what it shows is the bucket's
  labels              = var.labels

  external_data_configuration {
    source_format         = "NEWLINE_DELIMITED_JSON"
    source_uris           = each.value.uris
    autodetect            = false
    ignore_unknown_values = false
    max_bad_records       = 0
    schema                = jsonencode([for name, type in each.value.columns : { name = name, type = type, mode = "NULLABLE" }])
  }
}
