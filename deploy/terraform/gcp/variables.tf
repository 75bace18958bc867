variable "environment" {
  description = "dev or prod."
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

variable "project_id" {
  description = "Id of the project in Google's cloud; one an environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Region."
  type        = string
  default     = "us-central1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is written as us-central1."
  }
}

variable "created_at" {
  description = "Day this was made on, for the label created_at."
  type        = string

  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-[0-3][0-9]$", var.created_at))
    error_message = "A day is written as 2026-11-28."
  }
}

variable "aws_account_id" {
  description = "Account of AWS whose roles may submit jobs; null: none may."
  type        = string
  default     = null
}

variable "workers" {
  description = "Workers of the Dataproc cluster."
  type        = number
  default     = 2
}

variable "dataproc" {
  description = "Whether there is a cluster, for Flink; Spark runs without servers anyway."
  type        = bool
  default     = true
}

variable "submitters" {
  description = "Who may submit jobs, as user:me@example.com."
  type        = list(string)
  default     = []
}

variable "bigquery" {
  description = "Whether there is a dataset for results."
  type        = bool
  default     = true
}

variable "cloudsql" {
  description = "Whether there is a PostgreSQL."
  type        = bool
  default     = false
}

variable "firestore" {
  description = "Whether there are documents in Datastore mode."
  type        = bool
  default     = false
}

variable "gke" {
  description = "Whether there is a Kubernetes cluster, for a shop in this cloud."
  type        = bool
  default     = false
}

variable "api_access_cidrs" {
  description = "Networks that may reach that cluster's API; empty: from inside alone."
  type        = list(string)
  default     = []
}

variable "kafka_edge" {
  description = "How Kafka in AWS is reached, as in the aws composition: none, public or vpn."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "public", "vpn"], var.kafka_edge)
    error_message = "kafka_edge is none, public or vpn."
  }
}

variable "kafka_brokers" {
  description = "Brokers that jobs are told: kafka_edge_brokers of the aws composition."
  type        = string
  default     = null

  validation {
    condition     = var.kafka_brokers == null ? true : can(regex("^[^ :]+:[0-9]+(,[^ :]+:[0-9]+)*$", var.kafka_brokers))
    error_message = "Brokers are written as host:port, with commas."
  }
}

variable "vpn_tunnels" {
  description = "AWS' four tunnels (secret tunnels_secret of the aws composition); empty until AWS has them."
  type        = list(object({ address = string, inside_here = string, inside_there = string }))
  default     = []
}

variable "vpn_tunnel_keys" {
  description = "Their keys, in the same order; give them by TF_VAR_vpn_tunnel_keys, not in a file."
  type        = list(string)
  default     = []
  sensitive   = true
}

variable "protect" {
  description = "Whether databases and clusters refuse to be deleted."
  type        = bool
  default     = true
}
