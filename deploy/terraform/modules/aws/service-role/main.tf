# A role for one Kubernetes service account: what it may do is given by name, action by action.
data "aws_partition" "here" {}
data "aws_caller_identity" "here" {}

locals {
  issuer   = trimprefix(var.oidc_issuer, "https://")
  provider = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:oidc-provider/${local.issuer}"

  trust = {
    Version = "2012-10-17"
    Statement = var.identity == "irsa" ? [{
      Effect    = "Allow"
      Principal = { Federated = local.provider }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "system:serviceaccount:${var.namespace}:${var.service_account}"
        }
      }
      }] : [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.here.account_id } }
    }]
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "${var.namespace}/${var.service_account}"
  max_session_duration = 3600
  assume_role_policy   = jsonencode(local.trust)
}

resource "aws_iam_role_policy" "this" {
  count = length(var.statements) == 0 ? 0 : 1

  name = "needs"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for each in var.statements : merge(
      { Effect = "Allow", Action = each.actions, Resource = each.resources },
      each.via_service == null ? {} : { Condition = { StringEquals = { "kms:ViaService" = each.via_service } } },
      each.conditions == null ? {} : { Condition = each.conditions },
    )]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  count = var.identity == "pod_identity" ? 1 : 0

  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.this.arn
}
