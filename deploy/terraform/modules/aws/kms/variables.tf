variable "name" {
  description = "Alias of the key, without alias/."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_-]{1,200}$", var.name)) && !startswith(var.name, "aws/")
    error_message = "An alias has letters, digits, dash, underscore and slash; aws/ belongs to Amazon."
  }
}

variable "description" {
  description = "What it encrypts, for who finds it in the console."
  type        = string
}

variable "services" {
  description = "Services that use the key for this account, as sns.amazonaws.com."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.services : can(regex("^[a-z0-9.-]+\\.amazonaws\\.com$", each))])
    error_message = "A service is named as sns.amazonaws.com."
  }
  validation {
    condition     = !anytrue([for each in var.services : startswith(each, "logs.")])
    error_message = "CloudWatch's logs are given the key by logs_region."
  }
}

variable "logs_region" {
  description = "Region whose groups of CloudWatch's logs are encrypted with it; null: none."
  type        = string
  default     = null
}

variable "deletion_window_days" {
  description = "Days in which a deletion can be taken back."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "KMS waits between 7 and 30 days."
  }
}
