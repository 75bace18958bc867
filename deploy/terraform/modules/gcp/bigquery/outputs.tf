output "dataset" {
  description = "The dataset, as --bigquery of the Spark job takes it."
  value       = "${var.project_id}.${google_bigquery_dataset.this.dataset_id}"
}

output "tables" {
  description = "Tables over objects, as SQL names them."
  value       = { for name, each in google_bigquery_table.lines : name => "${var.project_id}.${each.dataset_id}.${each.table_id}" }
}
