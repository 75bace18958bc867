variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
  default     = "us-central1"
}

variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "ecommerce-gke"

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{0,33}$", var.name))
    error_message = "A cluster's name has at most 34 lower-case letters, digits and dashes (its pool adds -nodes)."
  }
}

variable "kubernetes_version" {
  description = "Least version of the control plane; null: the channel's."
  type        = string
  default     = null
}

variable "machine_type" {
  description = "Machines of the nodes."
  type        = string
  default     = "e2-standard-2"
}

variable "node_count" {
  description = "Nodes in all zones: at least, at most."
  type        = object({ min = number, max = number })
  default     = { min = 3, max = 10 }

  validation {
    condition     = 1 <= var.node_count.min && var.node_count.min <= var.node_count.max
    error_message = "1 ≤ min ≤ max."
  }
}

variable "network_id" {
  description = "The network."
  type        = string
}

variable "subnet" {
  description = "Link of the subnet, with ranges pods and services."
  type        = string
}

variable "control_plane_cidr" {
  description = "Addresses of the control plane, a /28."
  type        = string
  default     = "10.10.240.0/28"

  validation {
    condition     = endswith(var.control_plane_cidr, "/28")
    error_message = "Google wants a /28."
  }
}

variable "api_access_cidrs" {
  description = "Networks that may reach the API; empty: it is private."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.api_access_cidrs, "0.0.0.0/0")
    error_message = "Not the whole world."
  }
}

variable "service_account" {
  description = "Account of the nodes."
  type        = string
}

variable "protect" {
  description = "Whether it refuses to be deleted."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
