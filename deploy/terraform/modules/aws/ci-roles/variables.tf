variable "name" {
  description = "Before the roles' names."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,54}$", var.name))
    error_message = "1 to 54 letters, digits, dashes and underscores."
  }
}

variable "repository" {
  description = "Repository of GitHub, as owner/name; exactly one."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.repository))
    error_message = "A repository is written as owner/name, with no pattern in it."
  }
}

variable "push_environment" {
  description = "Environment of GitHub whose jobs push images: who may deploy to it decides who pushes."
  type        = string
  default     = "production"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.push_environment))
    error_message = "An environment is a word, with no pattern in it."
  }
}

variable "image_repository_arns" {
  description = "Repositories of images that are pushed to."
  type        = list(string)

  validation {
    condition     = length(var.image_repository_arns) > 0 && !anytrue([for each in var.image_repository_arns : strcontains(each, "*")])
    error_message = "Repositories are named one by one."
  }
}

variable "state_bucket" {
  description = "Bucket of Terraform's states, which a plan reads."
  type        = string
}

variable "state_key_alias" {
  description = "Alias of the key that encrypts them, with alias/."
  type        = string

  validation {
    condition     = can(regex("^alias/[a-zA-Z0-9/_-]+$", var.state_key_alias))
    error_message = "An alias is written as alias/ecommerce-terraform-state, with no pattern in it."
  }
}

variable "state_keys" {
  description = "States in it that pull requests plan. A state keeps what was told to it, keys of tunnels among it: no more of them than are planned."
  type        = list(string)
  default     = ["shop/dev.tfstate"]

  validation {
    condition     = length(var.state_keys) > 0 && alltrue([for each in var.state_keys : can(regex("^[a-zA-Z0-9/_-]+\\.tfstate$", each))])
    error_message = "States are named one by one, as shop/dev.tfstate; no pattern."
  }
}
