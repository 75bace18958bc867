# The bucket that the state of everything else lies in. Made once, with its own state on this machine:
#   terraform -chdir=deploy/terraform/state/aws init && terraform -chdir=deploy/terraform/state/aws apply
terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.99"
    }
  }
}

variable "account_id" {
  description = "The account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account is twelve digits."
  }
}

variable "region" {
  description = "Region."
  type        = string
  default     = "us-east-1"
}

variable "project" {
  description = "Before the bucket's name."
  type        = string
  default     = "ecommerce"
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account_id]
}

module "key" {
  source = "../../modules/aws/kms"

  name        = "${var.project}-terraform-state"
  description = "State of Terraform"
}

module "state" {
  source = "../../modules/aws/bucket"

  name            = "${var.project}-terraform-state-${var.account_id}"
  kms_key_arn     = module.key.arn
  noncurrent_days = 365
}

output "bucket" {
  description = "bucket of aws/environments/*.backend.hcl."
  value       = module.state.name
}
