variable "name" {
  description = "Name of the topic."
  type        = string
  default     = "ecommerce-notifications"

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,256}$", var.name))
    error_message = "A topic's name has letters, digits, dashes and underscores."
  }
}

variable "emails" {
  description = "Addresses that are asked to subscribe; each must confirm by the link it gets."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for each in var.emails : can(regex("^[^@ ]+@[^@ ]+$", each))])
    error_message = "An address is written as shop@example.com."
  }
}

variable "queue_arns" {
  description = "Queues that get each message, by a name of your choice; the queue must allow it (modules/aws/queue does)."
  type        = map(string)
  default     = {}
}

variable "publishing_services" {
  description = "Services of AWS that may publish for this account, as cloudwatch.amazonaws.com."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages; null: none of SNS' own would let other services publish."
  type        = string
}
