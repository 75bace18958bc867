# What GitHub's runners may take, by the token of a single run and without a key: one role that pushes images, from one
# environment of the repository, and one that reads what a plan compares, for its pull requests.
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  issuer   = "token.actions.githubusercontent.com"
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

# Settings, not what is kept: these two of AWS read no item, object or secret.
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
      { Effect = "Allow", Action = ["s3:GetObject"], Resource = ["arn:${data.aws_partition.here.partition}:s3:::${var.state_bucket}/*"] },
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
      { Effect = "Allow", Action = ["s3:DeleteObject", "s3:PutObject"], Resource = ["arn:${data.aws_partition.here.partition}:s3:::${var.state_bucket}/*.tflock"] },
    ]
  })
}
