# A role for each service account of the shop, from what its program says it does: action by action, thing by thing.
locals {
  kafka_topic = replace(module.kafka.arn, ":cluster/", ":topic/")
  kafka_group = replace(module.kafka.arn, ":cluster/", ":group/")

  # The words of shop.json → ARNs.
  resource = merge(
    { for name, arn in module.tables.arns : "table/${name}" => [arn] },
    { for each in local.needs.buckets : "bucket/${each}" => [local.bucket_arn[each]] },
    { for each in local.needs.buckets : "objects/${each}" => ["${local.bucket_arn[each]}/*"] },
    { for each in local.needs.topics : "topic/${each.name}" => ["${local.kafka_topic}/${var.resource_prefix}${each.name}"] },
    { for each in local.roles : "group/${each.name}" => ["${local.kafka_group}/${var.resource_prefix}${each.name}"] },
    { cluster = [module.kafka.arn], notifications = [module.notifications.arn], order-notifications = [module.queue[local.order_queue].arn] },
  )
  # An index is asked by Query alone.
  index = { for each in local.needs.tables : "table/${each.name}" => length(each.indexes) == 0 ? [] : ["${module.tables.arns[each.name]}/index/*"] }

  granted = { for account, each in local.roles : account => each if length(each.grants) > 0 }
  services = {
    for account, each in local.granted : account => [
      for service in ["dynamodb", "s3", "sns", "sqs"] : "${service}.${var.region}.amazonaws.com"
      if anytrue([for grant in each.grants : startswith(grant.actions[0], "${service}:")])
    ]
  }
}

module "identity" {
  source   = "../modules/aws/service-role"
  for_each = local.granted

  name            = "${local.name}-${each.key}"
  identity        = var.identity
  cluster_name    = module.eks.name
  oidc_issuer     = module.eks.oidc_issuer
  service_account = each.key

  statements = concat(
    [for grant in each.value.grants : {
      actions = grant.actions
      resources = flatten([for what in grant.resources : concat(
        local.resource[what],
        contains(grant.actions, "dynamodb:Query") ? lookup(local.index, what, []) : [],
      )])
    }],
    # What is encrypted is read through the service that keeps it.
    length(local.services[each.key]) == 0 ? [] : [merge(local.key_use, { via_service = local.services[each.key] })],
  )
}

# The external secrets operator reads the secrets of the shop's pods, and nothing else.
module "secrets_identity" {
  source = "../modules/aws/service-role"

  name            = "${local.name}-secrets"
  identity        = var.identity
  cluster_name    = module.eks.name
  oidc_issuer     = module.eks.oidc_issuer
  service_account = "secrets"

  statements = [
    { actions = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], resources = [for name, arn in module.secrets.arns : arn if name != local.import_key] },
    { actions = ["kms:Decrypt"], resources = [module.key.arn], via_service = ["secretsmanager.${var.region}.amazonaws.com"] },
  ]
}

module "loki_identity" {
  source = "../modules/aws/service-role"
  count  = var.loki_bucket ? 1 : 0

  name            = "${local.name}-loki"
  identity        = var.identity
  cluster_name    = module.eks.name
  oidc_issuer     = module.eks.oidc_issuer
  namespace       = "monitoring"
  service_account = "loki"

  statements = [
    { actions = ["s3:ListBucket"], resources = [module.loki_bucket[0].arn] },
    { actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], resources = ["${module.loki_bucket[0].arn}/*"] },
    merge(local.key_use, { via_service = ["s3.${var.region}.amazonaws.com"] }),
  ]
}

# The jobs of the other cloud take this role by their own service account's token: no key of AWS lies there.
resource "aws_iam_role" "jobs" {
  count = var.gcp_job_subject == null ? 0 : 1

  name                 = "${local.name}-jobs"
  max_session_duration = 3600

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = "accounts.google.com" }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "accounts.google.com:sub"  = var.gcp_job_subject
        "accounts.google.com:aud"  = var.gcp_job_subject
        "accounts.google.com:oaud" = "sts.amazonaws.com"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "jobs" {
  count = var.gcp_job_subject == null ? 0 : 1

  name = "needs"
  role = aws_iam_role.jobs[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["dynamodb:BatchWriteItem"]
        Resource = [for each in ["ecommerce-analytics", "ecommerce-analytics-windows"] : module.tables.arns[each]]
      },
      { Effect = "Allow", Action = ["s3:PutObject"], Resource = ["${local.bucket_arn["ecommerce-analytics-results"]}/*"] },
      {
        Effect    = "Allow"
        Action    = local.key_use.actions
        Resource  = local.key_use.resources
        Condition = { StringEquals = { "kms:ViaService" = ["dynamodb.${var.region}.amazonaws.com", "s3.${var.region}.amazonaws.com"] } }
      },
    ]
  })
}
