output "nat_addresses" {
  description = "gcp_addresses of the aws composition, with kafka_edge = public."
  value       = module.network.nat_addresses
}

output "vpn_addresses" {
  description = "gcp_addresses of the aws composition, with kafka_edge = vpn."
  value       = try(module.edge[0].addresses, [])
}

output "job_subject" {
  description = "gcp_job_subject of the aws composition: Flink's account, which may take a role there."
  value       = module.flink.unique_id
}

output "submit" {
  description = "What analytics/flink/submit.sh and analytics/spark/submit.sh are given."
  value = {
    project         = var.project_id
    region          = var.region
    cluster         = one(module.dataproc[*].name)
    bucket          = module.bucket["${var.project}-flink-code"].name
    results         = module.bucket["${var.project}-analytics-results"].url
    subnet          = "${var.project}-subnet"
    service_account = module.runner.email
    bigquery        = one(module.results[*].dataset)
    brokers         = var.kafka_brokers
  }
}

output "database" {
  description = "Address of PostgreSQL in the network; null: there is none."
  value       = one(module.database[*].address)
}

output "images" {
  description = "Where images are pushed; null: there is no cluster that runs them."
  value       = one(module.images[*].url)
}
