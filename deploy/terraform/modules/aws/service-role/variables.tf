variable "name" {
  description = "Name of the role."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "A role's name has 1 to 64 letters, digits and +=,.@_-."
  }
}

variable "cluster_name" {
  description = "The cluster, for pod identity."
  type        = string
  default     = null
}

variable "identity" {
  description = "How a pod shows who it is: irsa (the cluster's OIDC issuer) or pod_identity (the EKS agent)."
  type        = string
  default     = "irsa"

  validation {
    condition     = contains(["irsa", "pod_identity"], var.identity)
    error_message = "identity is irsa or pod_identity."
  }
}

variable "oidc_issuer" {
  description = "URL of the cluster's OIDC issuer."
  type        = string
  default     = "https://unused.invalid"

  validation {
    condition     = startswith(var.oidc_issuer, "https://")
    error_message = "An issuer is an https address."
  }
}

variable "namespace" {
  description = "Namespace of the service account."
  type        = string
  default     = "ecommerce"

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.namespace))
    error_message = "A namespace is a DNS label."
  }
}

variable "service_account" {
  description = "Name of the service account; exactly one."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", var.service_account))
    error_message = "A service account is named by a DNS label, with no pattern in it."
  }
}

variable "statements" {
  description = "What it may do. via_service: only through that service (for keys of KMS). conditions: operator, key, values, as IAM writes them."
  type = list(object({
    actions     = list(string)
    resources   = list(string)
    via_service = optional(list(string))
    conditions  = optional(map(map(list(string))))
  }))
  default = []

  validation {
    condition     = alltrue([for each in var.statements : alltrue([for action in each.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])])
    error_message = "Actions are named one by one, as s3:GetObject; no pattern."
  }
  validation {
    condition = alltrue([for each in var.statements : length(each.resources) > 0 && (
      !contains(each.resources, "*") || alltrue([for action in each.actions : can(regex("^[a-z0-9-]+:Describe[A-Za-z]+$", action))])
    )])
    error_message = "A statement names its resources; * alone is every resource of the account, and for descriptions only, which know no narrower one."
  }
  validation {
    condition     = alltrue([for each in var.statements : each.via_service == null || each.conditions == null])
    error_message = "A statement has via_service or conditions."
  }
}
