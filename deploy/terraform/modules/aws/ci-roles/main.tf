# What GitHub's runners may take, by the token of a single run and without a key: one role that pushes images, from one
# environment of the repository, and one that reads what a plan compares, for its pull requests.
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  account  = data.aws_caller_identity.here.account_id
  issuer   = "token.actions.githubusercontent.com"
  states   = [for key in var.state_keys : "arn:${data.aws_partition.here.partition}:s3:::${var.state_bucket}/${key}"]
  provider = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:oidc-provider/${local.issuer}"

  trust = { for name, subject in { push = "environment:${var.push_environment}", plan = "pull_request" } : name => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "repo:${var.repository}:${subject}"
      } }
    }]
  }) }
}

# One an account.
resource "aws_iam_openid_connect_provider" "this" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  for_each = local.trust

  name                 = "${var.name}-ci-${each.key}"
  description          = "GitHub, ${var.repository}: ${each.key}"
  max_session_duration = 3600
  assume_role_policy   = each.value
}

resource "aws_iam_role_policy" "push" {
  name = "needs"
  role = aws_iam_role.this["push"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = ["*"] }, # there is no narrower thing
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
          "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = var.image_repository_arns
      },
    ]
  })
}

# Settings, not what is kept: these two of AWS read no item, object or secret. What the provider asks for besides is below.
resource "aws_iam_role_policy_attachment" "plan" {
  for_each = toset(["SecurityAudit", "job-function/ViewOnlyAccess"])

  role       = aws_iam_role.this["plan"].name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/${each.key}"
}

resource "aws_iam_role_policy" "plan" {
  name = "state"
  role = aws_iam_role.this["plan"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["s3:GetObject"], Resource = flatten([for each in local.states : [each, "${each}.tflock"]]) },
      {
        # Both are encrypted with the states' key, which has its alias whatever its number is.
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = ["arn:${data.aws_partition.here.partition}:kms:*:${data.aws_caller_identity.here.account_id}:key/*"]
        Condition = {
          "ForAnyValue:StringEquals" = { "kms:ResourceAliases" = var.state_key_alias }
          StringLike                 = { "kms:ViaService" = "s3.*.amazonaws.com" }
        }
      },
      # The lock beside it.
      { Effect = "Allow", Action = ["s3:DeleteObject", "s3:PutObject"], Resource = [for each in local.states : "${each}.tflock"] },
    ]
  })
}

# The two of AWS leave out what else a plan reads of functions and budgets.
resource "aws_iam_role_policy" "settings" {
  name = "settings"
  role = aws_iam_role.this["plan"].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = ["lambda:GetFunction"], Resource = ["arn:${data.aws_partition.here.partition}:lambda:*:${local.account}:function:*"] },
      { Effect = "Allow", Action = ["lambda:GetEventSourceMapping"], Resource = ["arn:${data.aws_partition.here.partition}:lambda:*:${local.account}:event-source-mapping:*"] },
      { Effect = "Allow", Action = ["budgets:ListTagsForResource", "budgets:ViewBudget"], Resource = ["arn:${data.aws_partition.here.partition}:budgets::${local.account}:budget/*"] },
    ]
  })
}
