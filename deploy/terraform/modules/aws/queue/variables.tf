variable "name" {
  description = "Name of the queue; its dead letters are in NAME-dlq."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,76}$", var.name))
    error_message = "A queue's name has letters, digits, dashes and underscores, 76 at most with -dlq to come."
  }
}

variable "visibility_seconds" {
  description = "How long a message is with one receiver: six times a function's timeout."
  type        = number
  default     = 360

  validation {
    condition     = var.visibility_seconds >= 1 && var.visibility_seconds <= 43200
    error_message = "A second to twelve hours."
  }
}

variable "retention_days" {
  description = "Days that a message waits."
  type        = number
  default     = 4

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14
    error_message = "SQS keeps messages for at most 14 days."
  }
}

variable "attempts" {
  description = "How often a message is tried before it is a dead letter."
  type        = number
  default     = 5

  validation {
    condition     = var.attempts >= 1 && var.attempts <= 1000
    error_message = "1 to 1000."
  }
}

variable "topic_arns" {
  description = "SNS topics that may send here."
  type        = list(string)
  default     = []
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms go to."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages; null: SQS' own."
  type        = string
  default     = null
}
