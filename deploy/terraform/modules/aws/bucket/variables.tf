variable "name" {
  description = "Name of the bucket, unique in the world: with the account's number at its end."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and dashes (no dots: TLS would not fit)."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects; null: S3's own."
  type        = string
  default     = null
}

variable "noncurrent_days" {
  description = "Days that a replaced or deleted version can be brought back."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "At least a day: a mistake is seen the day after."
  }
}

variable "expire_days" {
  description = "Days after which objects go; null: they stay."
  type        = number
  default     = null

  validation {
    condition     = var.expire_days == null ? true : var.expire_days >= 1
    error_message = "At least a day, or null for ever."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may take the objects along."
  type        = bool
  default     = false
}

variable "log_bucket" {
  description = "Bucket for the access logs; null: none are kept."
  type        = string
  default     = null
}

variable "log_source_account" {
  description = "Makes this a bucket for access logs of that account; null: it is none."
  type        = string
  default     = null

  validation {
    condition     = var.log_source_account == null ? true : can(regex("^[0-9]{12}$", var.log_source_account))
    error_message = "An account is twelve digits."
  }
}

variable "notify_functions" {
  description = "Functions that are told of new objects, by a name of your choice."
  type = map(object({
    arn    = string
    prefix = optional(string)
    suffix = optional(string)
  }))
  default = {}
}
