variable "repository" {
  description = "Repository of Argo CD's charts."
  type        = string
  default     = "https://argoproj.github.io/argo-helm"

  validation {
    condition     = startswith(var.repository, "https://") || startswith(var.repository, "oci://")
    error_message = "Charts come by https or oci."
  }
}

variable "chart_version" {
  description = "Version of the chart argo-cd."
  type        = string
  default     = "9.1.0"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "One version, as 9.1.0; no range."
  }
}

variable "apps_chart_version" {
  description = "Version of the chart argocd-apps."
  type        = string
  default     = "2.0.2"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.apps_chart_version))
    error_message = "One version, as 2.0.2; no range."
  }
}

variable "image_tag" {
  description = "Version of Argo CD itself."
  type        = string
  default     = "v3.2.1"

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+$", var.image_tag))
    error_message = "One version, as v3.2.1."
  }
}

variable "settings" {
  description = "Its ConfigMaps by what they are: argocd-cm, argocd-cmd-params-cm, argocd-rbac-cm, argocd-notifications-cm, as deploy/argocd/install has them."
  type = object({
    cm            = optional(map(string), {})
    params        = optional(map(string), {})
    rbac          = optional(map(string), {})
    notifications = optional(map(string), {})
  })
  default = {}
}

variable "host" {
  description = "Host name of its console."
  type        = string
  default     = "argocd.ecommerce.local"
}

variable "admin" {
  description = "Whether the built-in account admin may log in; off where single sign-on is set up."
  type        = bool
  default     = false
}

variable "replicas" {
  description = "Replicas of what may have several."
  type        = number
  default     = 2

  validation {
    condition     = var.replicas >= 1
    error_message = "At least one."
  }
}

variable "root_application" {
  description = "Where the Application of all Applications is: repository, revision, folder; null: kubectl applies it."
  type = object({
    repository = string
    revision   = optional(string, "main")
    path       = optional(string, "deploy/argocd")
  })
  default = null
}
