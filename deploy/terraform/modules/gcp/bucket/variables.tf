variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Name of the bucket, unique in the world: with the project's id at its end."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$", var.name)) && !startswith(var.name, "goog")
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits, dashes and underscores."
  }
}

variable "location" {
  description = "Region or multi-region."
  type        = string
  default     = "US-CENTRAL1"
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may take the objects along; as documented, what jobs make can be made again."
  type        = bool
  default     = true
}

variable "noncurrent_days" {
  description = "Days that a replaced version can be brought back."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "At least a day."
  }
}

variable "expire_days" {
  description = "Days after which objects go; null: they stay."
  type        = number
  default     = null
}

variable "log_bucket" {
  description = "Bucket for its access log; null: none is kept."
  type        = string
  default     = null
}

variable "takes_logs" {
  description = "Whether other buckets' access logs are written here."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
