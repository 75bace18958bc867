variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Name of the account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{4,28}[a-z0-9]$", var.name))
    error_message = "An account's name has 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "description" {
  description = "What it is for."
  type        = string
}

variable "roles" {
  description = "Roles on the project, as narrow as they are made."
  type        = list(string)
  default     = []

  validation {
    condition     = !anytrue([for each in var.roles : contains(["roles/owner", "roles/editor", "roles/viewer"], each)])
    error_message = "Not the basic roles: they hold thousands of permissions."
  }
  validation {
    condition     = alltrue([for each in var.roles : can(regex("^(roles|projects/[^/]+/roles|organizations/[0-9]+/roles)/[A-Za-z0-9_.]+$", each))])
    error_message = "A role is written as roles/dataproc.worker."
  }
}

variable "bucket_roles" {
  description = "Roles on single buckets, by a name of your choice."
  type = map(object({
    bucket = string
    role   = string
  }))
  default = {}
}

variable "users" {
  description = "Who may act as it, as user:me@example.com."
  type        = list(string)
  default     = []

  validation {
    condition     = !anytrue([for each in var.users : contains(["allUsers", "allAuthenticatedUsers"], each)])
    error_message = "Not everybody."
  }
}
