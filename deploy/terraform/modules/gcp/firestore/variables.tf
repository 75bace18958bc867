variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Name of the database; (default) is the one that a project has at once."
  type        = string
  default     = "ecommerce-analytics"

  validation {
    condition     = var.name == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "A database's name has 4 to 63 lower-case letters, digits and dashes, or is (default)."
  }
}

variable "location" {
  description = "Where the data lies."
  type        = string
  default     = "us-central1"
}

variable "protect" {
  description = "Whether it refuses to be deleted."
  type        = bool
  default     = true
}
