output "name" {
  description = "Name of the cluster: --cluster of analytics/flink/submit.sh."
  value       = google_dataproc_cluster.this.name
}
