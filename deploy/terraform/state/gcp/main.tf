# The bucket that the state of everything else lies in. Made once, with its own state on this machine:
#   terraform -chdir=deploy/terraform/state/gcp init && terraform -chdir=deploy/terraform/state/gcp apply
terraform {
  required_version = ">= 1.10"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.43, < 7.0"
    }
  }
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "location" {
  description = "Region or multi-region."
  type        = string
  default     = "US"
}

variable "project" {
  description = "Before the bucket's name."
  type        = string
  default     = "ecommerce"
}

provider "google" {
  project = var.project_id
}

module "state" {
  source = "../../modules/gcp/bucket"

  project_id      = var.project_id
  name            = "${var.project}-terraform-state-${var.project_id}"
  location        = var.location
  force_destroy   = false
  noncurrent_days = 365
}

output "bucket" {
  description = "bucket of gcp/environments/*.backend.hcl."
  value       = module.state.name
}
