variable "name" {
  description = "Name of the budget."
  type        = string
}

variable "monthly_usd" {
  description = "What a month may cost."
  type        = number

  validation {
    condition     = var.monthly_usd > 0
    error_message = "A budget is more than nothing."
  }
}

variable "tag" {
  description = "Only what has this tag, once it is a cost allocation tag of the account; null: the whole account."
  type        = object({ name = string, value = string })
  default     = null
}

variable "emails" {
  description = "Who is told."
  type        = list(string)

  validation {
    condition     = length(var.emails) > 0 && length(var.emails) <= 10
    error_message = "One to ten addresses: a budget that nobody hears of is none."
  }
}
