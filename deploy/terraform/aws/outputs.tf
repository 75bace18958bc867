output "environment" {
  description = "What the processes are told: the cluster's ConfigMap (deploy/kubernetes/overlays, cluster.env)."
  value = {
    AWS_REGION                = var.region
    DYNAMODB_TABLE_PREFIX     = var.resource_prefix
    S3_BUCKET_PREFIX          = var.resource_prefix
    S3_BUCKET_SUFFIX          = local.suffix
    KAFKA_BOOTSTRAP_SERVERS   = module.kafka.brokers_iam
    KAFKA_SECURITY_PROTOCOL   = "SASL_SSL"
    KAFKA_SASL_MECHANISM      = "AWS_MSK_IAM"
    KAFKA_TOPIC_PREFIX        = var.resource_prefix
    KAFKA_REPLICATION_FACTOR  = "3"
    KAFKA_MIN_INSYNC_REPLICAS = "2"
    SNS_TOPIC_ARN             = module.notifications.arn
    SQS_QUEUE_URL             = module.queue[local.order_queue].url
    DB_HOST                   = module.database.address
    DB_NAME                   = module.database.database
  }
}

output "roles" {
  description = "Role of each service account, for its annotation eks.amazonaws.com/role-arn."
  value       = merge({ for account, each in module.identity : account => each.arn }, { secrets = module.secrets_identity.arn })
}

output "functions_bucket" {
  description = "Where the functions' zips lie, before the functions are made."
  value       = module.packages.name
}

output "repositories" {
  description = "Where images are pushed; null where another environment of the account makes the repositories."
  value       = one(module.images[*].urls)
}

output "cluster" {
  description = "Name of the cluster: aws eks update-kubeconfig --name NAME."
  value       = module.eks.name
}

output "balancer" {
  description = "Host name of the balancer; null where an Ingress makes it."
  value       = one(module.balancer[*].dns_name)
}

output "database_password_secret" {
  description = "Secret with the database owner's password."
  value       = module.database.password_secret_arn
}

# For the other cloud.
output "kafka_edge_brokers" {
  description = "Brokers for the other cloud, by kafka_edge: kafka_brokers of the gcp composition."
  value       = { none = null, public = module.kafka.brokers_public_scram, vpn = module.kafka.brokers_scram }[var.kafka_edge]
}

output "tunnels_secret" {
  description = "Secret with the VPN's tunnels, for gcp, with kafka_edge = vpn."
  value       = one(module.edge[*].tunnels_secret_arn)
}

output "jobs_role" {
  description = "Role that the jobs of the other cloud take."
  value       = one(aws_iam_role.jobs[*].arn)
}

output "ci_roles" {
  description = "The variables AWS_PUSH_ROLE and AWS_PLAN_ROLE of the repository at GitHub."
  value       = one(module.ci[*].roles)
}
