variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "Region it is in."
  type        = string
}

variable "identity" {
  description = "How a pod shows who it is: irsa or pod_identity, as modules/aws/service-role."
  type        = string
  default     = "irsa"

  validation {
    condition     = contains(["irsa", "pod_identity"], var.identity)
    error_message = "identity is irsa or pod_identity."
  }
}

variable "tags" {
  description = "Tags of what the balancer's controller makes: the provider's own do not reach there."
  type        = map(string)
  default     = {}
}

variable "load_balancer" {
  description = "AWS Load Balancer Controller: its role, the network, the chart's version; null: none."
  type = object({
    role_arn      = string
    vpc_id        = string
    chart_version = optional(string, "3.4.0")
  })
  default = null

  validation {
    condition     = var.load_balancer == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.load_balancer.chart_version))
    error_message = "One version, as 3.4.0; no range."
  }
}

variable "external_secrets" {
  description = "External Secrets: the chart's version, which is the program's; null: none."
  type = object({
    chart_version = optional(string, "1.3.2")
  })
  default = null

  validation {
    condition     = var.external_secrets == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.external_secrets.chart_version))
    error_message = "One version, as 1.3.2; no range."
  }
}

variable "autoscaler" {
  description = "Cluster Autoscaler: its role, the chart's version (9.53.0 is for Kubernetes 1.34); null: none."
  type = object({
    role_arn      = string
    chart_version = optional(string, "9.53.0")
  })
  default = null

  validation {
    condition     = var.autoscaler == null || can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.autoscaler.chart_version))
    error_message = "One version, as 9.53.0; no range."
  }
}
