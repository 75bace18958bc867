variable "secrets" {
  description = "Names of secrets with what each holds."
  type        = map(string)

  validation {
    condition     = alltrue([for name, _ in var.secrets : can(regex("^[a-zA-Z0-9/_+=.@-]{1,512}$", name))])
    error_message = "A secret's name has letters, digits and /_+=.@-."
  }
}

variable "recovery_days" {
  description = "Days in which a deletion can be taken back."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days >= 7 && var.recovery_days <= 30
    error_message = "Secrets Manager waits between 7 and 30 days."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts them."
  type        = string
}
