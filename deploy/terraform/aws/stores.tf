# Where the shop keeps what it knows.
module "database" {
  source = "../modules/aws/rds"

  name                        = "${local.name}-postgres"
  engine_version              = var.db_engine_version
  allow_major_version_upgrade = var.db_allow_major_version_upgrade
  instance_class              = var.db_instance_class
  multi_az                    = var.db_multi_az
  deletion_protection         = var.protect
  vpc_id                      = module.network.id
  subnet_ids                  = module.network.private_subnet_ids
  client_security_groups      = { nodes = module.eks.security_group_id }
  kms_key_arn                 = module.key.arn
}

module "tables" {
  source = "../modules/aws/dynamodb"

  tables = {
    for each in local.needs.tables : each.name => {
      hash    = each.hash
      range   = try(each.range, null)
      numbers = each.numbers
      ttl     = try(each.ttl, null)
      indexes = [for index in each.indexes : { name = index.name, hash = index.hash, range = try(index.range, null) }]
    }
  }
  prefix              = var.resource_prefix
  kms_key_arn         = module.key.arn
  deletion_protection = var.protect
}

locals {
  bucket_arn = { for each in concat(local.needs.buckets, ["${var.project}-products"]) :
    each => "arn:${data.aws_partition.here.partition}:s3:::${var.resource_prefix}${each}${local.suffix}"
  }

  # Whom a new object sets going.
  listeners = {
    "${var.project}-products"  = { for name, each in module.function : "import" => { arn = each.arn, suffix = ".csv" } if name == "product-import" }
    "ecommerce-product-images" = { for name, each in module.function : "resize" => { arn = each.arn, prefix = "originals/" } if name == "product-image-processor" }
  }
}

module "logs" {
  source = "../modules/aws/bucket"

  name               = "${local.name}-logs${local.suffix}"
  log_source_account = var.account_id
  expire_days        = 365
  force_destroy      = !var.protect
}

module "bucket" {
  source   = "../modules/aws/bucket"
  for_each = local.bucket_arn

  name             = "${var.resource_prefix}${each.key}${local.suffix}"
  kms_key_arn      = module.key.arn
  log_bucket       = module.logs.name
  notify_functions = lookup(local.listeners, each.key, {})
  force_destroy    = !var.protect
}

# The functions' zips.
module "packages" {
  source = "../modules/aws/bucket"

  name          = "${local.name}-functions${local.suffix}"
  kms_key_arn   = module.key.arn
  log_bucket    = module.logs.name
  force_destroy = !var.protect
}

# Logs of the cluster, where Loki keeps them in a bucket (deploy/argocd/charts/loki.yaml).
module "loki_bucket" {
  source = "../modules/aws/bucket"
  count  = var.loki_bucket ? 1 : 0

  name          = "${local.name}-loki${local.suffix}"
  kms_key_arn   = module.key.arn
  log_bucket    = module.logs.name
  force_destroy = !var.protect
}

locals {
  # Read by the function alone, and not brought to the cluster.
  import_key = "${local.name}/product-api-key"
}

module "secrets" {
  source = "../modules/aws/secret"

  secrets = {
    "${local.name}/db-credentials"     = "DATABASE_URL of the shop's user, which `postgres` of the secret that RDS keeps made"
    "${local.name}/stripe-credentials" = "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET"
    (local.import_key)                 = "an API key of the shop with the scope products:write, for the function product-import"
    "${local.name}/signing-keys"       = "keys.json: what the shop signs its tokens with"
  }
  kms_key_arn = module.key.arn
}
