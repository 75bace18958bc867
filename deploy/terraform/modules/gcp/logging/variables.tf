variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Name of the bucket of logs and of the sink."
  type        = string
  default     = "ecommerce-logs"

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{0,98}$", var.name))
    error_message = "A name has lower-case letters, digits, dashes and underscores."
  }
}

variable "location" {
  description = "Where the logs lie."
  type        = string
  default     = "us-central1"
}

variable "retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 90

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "A day to ten years."
  }
}

variable "filter" {
  description = "Which logs."
  type        = string
  default     = "resource.type=(\"cloud_dataproc_cluster\" OR \"cloud_dataproc_job\" OR \"cloud_dataproc_batch\" OR \"k8s_container\")"
}
