# What a shop stands on in AWS. What it needs (tables, buckets, who may do what) is what its program says of itself:
# ../shop.json is the output of `stoa config --requirements`, and a test fails when it is not.
data "aws_partition" "here" {}

locals {
  needs = jsondecode(file("${path.module}/../shop.json"))
  roles = { for each in local.needs.roles : each.service_account => each }

  # Functions whose programs are too large for a zip.
  function_images = ["${var.project}/product-image-processor"]

  name   = "${var.resource_prefix}${var.project}"
  suffix = "-${var.account_id}"

  tags = {
    Environment = var.environment
    Project     = var.project
    ManagedBy   = "terraform"
    CreatedAt   = var.created_at
  }
}

module "key" {
  source = "../modules/aws/kms"

  name        = "${local.name}-data"
  description = "What the shop keeps: tables, objects, messages, disks, logs"
  services    = ["cloudwatch.amazonaws.com"] # alarms, to an encrypted topic; others use it as who asks them
  logs_region = var.region
}

module "network" {
  source = "../modules/aws/vpc"

  name         = local.name
  nat          = var.nat
  cluster_name = "${local.name}-eks"
  kms_key_arn  = module.key.arn
  # Lambda's, for the pollers of Kafka: theirs are addresses that no NAT serves where brokers stand in public subnets.
  # They put what failed into the function's queue, so that SQS needs one, too.
  interface_endpoints = distinct(concat(
    ["ecr.api", "ecr.dkr", "lambda", "sts"],
    contains(keys(var.functions), "ecommerce-notification") ? ["sqs"] : [],
    var.interface_endpoints,
  ))
}

module "eks" {
  source = "../modules/aws/eks"

  name                = "${local.name}-eks"
  kubernetes_version  = var.kubernetes_version
  subnet_ids          = module.network.private_subnet_ids
  public_access_cidrs = var.api_access_cidrs
  kms_key_arn         = module.key.arn
  capacity_type       = var.node_capacity
  node_count          = var.node_count
  tags                = local.tags
  access = merge(var.cluster_access, var.deployer_role_arn == null ? {} : {
    deployer = { principal_arn = var.deployer_role_arn, groups = [], policy = "AmazonEKSClusterAdminPolicy", namespaces = [] }
  })
}

# Environments run the same images: where two share an account, one of them makes the repositories.
module "images" {
  source = "../modules/aws/repository"
  count  = var.repositories ? 1 : 0

  names          = concat([for account, each in local.roles : "${var.project}/${account}" if try(each.http_port, null) != null], local.function_images)
  function_names = local.function_images
  kms_key_arn    = module.key.arn
  force_delete   = !var.protect
}

# GitHub's jobs, beside the repositories that they push to.
module "ci" {
  source = "../modules/aws/ci-roles"
  count  = var.github == null || !var.repositories ? 0 : 1

  name                  = local.name
  repository            = var.github.repository
  state_bucket          = var.github.state_bucket
  state_key_alias       = "alias/${var.project}-terraform-state" # ../state/aws
  image_repository_arns = values(module.images[0].arns)
}

module "balancer" {
  source = "../modules/aws/alb"
  count  = var.alb ? 1 : 0

  name                   = "${local.name}-alb"
  vpc_id                 = module.network.id
  subnet_ids             = module.network.public_subnet_ids
  target_port            = local.roles["api-gateway"].http_port
  target_security_groups = { nodes = module.eks.security_group_id }
  certificate_arn        = var.certificate_arn
  deletion_protection    = var.protect
  log_bucket             = module.logs.name
}

module "budget" {
  source = "../modules/aws/budget"

  name        = local.name
  monthly_usd = var.monthly_budget_usd
  tag         = { name = "Environment", value = var.environment } # Project is the same for two in one account
  emails      = var.notification_emails
}
