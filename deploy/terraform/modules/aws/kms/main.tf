# A key of the account's own, used through the services that hold the data and by the roles that may read it.
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  root = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:root"

  # Each by its name: a key whose administrators may do anything is a key that they may read with.
  administration = [
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey",
    "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants",
    "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RetireGrant", "kms:RevokeGrant", "kms:ScheduleKeyDeletion", "kms:TagResource",
    "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
  ]
  use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]

  policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid       = "Administration"
          Effect    = "Allow"
          Principal = { AWS = local.root }
          Action    = local.administration
          Resource  = "*" # of a key's policy: this key
        },
        {
          # Lets the policies of roles decide who uses it.
          Sid       = "Use"
          Effect    = "Allow"
          Principal = { AWS = local.root }
          Action    = concat(local.use, ["kms:CreateGrant"])
          Resource  = "*"
        },
      ],
      length(var.services) == 0 ? [] : [
        {
          Sid       = "Services"
          Effect    = "Allow"
          Principal = { Service = var.services }
          Action    = local.use
          Resource  = "*"
          Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.here.account_id } }
        },
      ],
      # CloudWatch's logs say which group they are of, and nothing of an account: the condition that AWS documents for them.
      var.logs_region == null ? [] : [
        {
          Sid       = "Logs"
          Effect    = "Allow"
          Principal = { Service = "logs.${var.logs_region}.amazonaws.com" }
          Action    = local.use
          Resource  = "*"
          Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.here.partition}:logs:${var.logs_region}:${data.aws_caller_identity.here.account_id}:*" } }
        },
      ],
    )
  }
}

resource "aws_kms_key" "this" {
  description             = var.description
  deletion_window_in_days = var.deletion_window_days
  enable_key_rotation     = true
  policy                  = jsonencode(local.policy)
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
