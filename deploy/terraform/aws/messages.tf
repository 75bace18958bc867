# How what happened gets about.
locals {
  public      = var.kafka_edge == "public"
  order_queue = "${var.project}-order-notifications"
}

module "kafka" {
  source = "../modules/aws/msk"

  name                   = "${local.name}-kafka"
  kafka_version          = var.kafka_version
  instance_type          = var.kafka_instance_type
  vpc_id                 = module.network.id
  subnet_ids             = local.public ? module.network.public_subnet_ids : module.network.private_subnet_ids
  client_security_groups = { nodes = module.eks.security_group_id, functions = aws_security_group.functions.id }
  scram                  = var.kafka_edge != "none"
  # MSK reads the secret when it is associated: only once a person has put a value into it.
  scram_secret_arns   = var.kafka_edge != "none" && var.kafka_open ? [aws_secretsmanager_secret.edge[0].arn] : []
  lambda_pollers      = contains(keys(var.functions), "ecommerce-notification")
  public              = local.public
  public_open         = local.public && var.kafka_open
  public_client_cidrs = local.public ? [for each in var.gcp_addresses : "${each}/32"] : []
  client_cidrs        = var.kafka_edge == "vpn" ? [var.gcp_cidr] : []
  kms_key_arn         = module.key.arn
}

# What the jobs of the other cloud show to the brokers; MSK wants this beginning of the name and a key of our own.
resource "aws_secretsmanager_secret" "edge" {
  count = var.kafka_edge == "none" ? 0 : 1

  name                    = "AmazonMSK_${local.name}-edge"
  description             = "username and password for SCRAM, as JSON"
  kms_key_id              = module.key.arn
  recovery_window_in_days = 7
}

module "edge" {
  source = "../modules/aws/kafka-edge"
  count  = var.kafka_edge == "vpn" ? 1 : 0

  name            = "${local.name}-edge"
  vpc_id          = module.network.id
  route_table_ids = module.network.private_route_table_ids
  peer_addresses  = var.gcp_addresses
  kms_key_arn     = module.key.arn
}

module "notifications" {
  source = "../modules/aws/topic"

  name        = "${local.name}-notifications"
  emails      = var.notification_emails
  kms_key_arn = module.key.arn
}

module "alarms" {
  source = "../modules/aws/topic"

  name                = "${local.name}-alarms"
  emails              = var.notification_emails
  publishing_services = ["cloudwatch.amazonaws.com"]
  kms_key_arn         = module.key.arn
}

# One for order events, which the shop's outbox sends and the notification function reads, and one a function for what it could
# not do.
module "queue" {
  source   = "../modules/aws/queue"
  for_each = toset(concat([local.order_queue], keys(var.functions)))

  name             = "${var.resource_prefix}${each.key}"
  alarm_topic_arns = [module.alarms.arn]
  kms_key_arn      = module.key.arn
}
