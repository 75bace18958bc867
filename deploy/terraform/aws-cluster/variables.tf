variable "environment" {
  description = "dev or prod. Names get the prefix dev- where they lie beside those of prod."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment is dev or prod."
  }
}

variable "project" {
  description = "Project: before the names of what is made."
  type        = string
  default     = "ecommerce"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.project))
    error_message = "A project has 2 to 20 lower-case letters, digits and dashes."
  }
}

variable "account_id" {
  description = "The account that this is for: another one is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account is twelve digits."
  }
}

variable "region" {
  description = "Region, us-east-1 or ap-south-1 in the documents."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as us-east-1."
  }
}

variable "created_at" {
  description = "Day this was made on, for the tag CreatedAt: a day that is given is the same in every plan."
  type        = string

  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-[0-3][0-9]$", var.created_at))
    error_message = "A day is written as 2026-11-28."
  }
}

variable "resource_prefix" {
  description = "Before the names of tables, buckets, queues, topics and roles, as DYNAMODB_TABLE_PREFIX and S3_BUCKET_PREFIX of the shop."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z][a-z0-9]{0,8}-)?$", var.resource_prefix))
    error_message = "A prefix is a word with a dash, as dev-."
  }
}

variable "identity" {
  description = "How pods show who they are: irsa or pod_identity."
  type        = string
  default     = "irsa"
}

variable "controllers" {
  description = "What is installed by Helm for the manifests: who registers pods with the balancer, who fetches secrets, who adds nodes. The first and the last have roles of the aws composition."
  type = object({
    load_balancer    = optional(bool, true)
    external_secrets = optional(bool, true)
    autoscaler       = optional(bool, true)
  })
  default = {}
}

variable "argocd" {
  description = "Whether Argo CD is installed."
  type        = bool
  default     = true
}

variable "gitops_repository" {
  description = "Repository with deploy/argocd, for Argo CD; null: kubectl applies the root application."
  type        = string
  default     = null
}
