output "dataset" {
  description = "The dataset, as --bigquery of the Spark job takes it."
  value       = "${var.project_id}.${google_bigquery_dataset.this.dataset_id}"
}
