variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Name of the pool."
  type        = string
  default     = "ecommerce-aws"

  validation {
    condition     = can(regex("^[a-z0-9-]{4,32}$", var.name)) && !startswith(var.name, "gcp-")
    error_message = "A pool's name has 4 to 32 lower-case letters, digits and dashes; gcp- is Google's."
  }
}

variable "aws_account_id" {
  description = "The account of AWS that is trusted."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.aws_account_id))
    error_message = "An account is twelve digits."
  }
}

variable "roles" {
  description = "Name of a role in AWS → id of the service account that it may act as (projects/P/serviceAccounts/E)."
  type        = map(string)

  validation {
    condition     = length(var.roles) > 0
    error_message = "At least one role, or every role of the account would be trusted by an empty condition."
  }
}
