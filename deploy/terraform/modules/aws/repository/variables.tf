variable "names" {
  description = "Repositories, as ecommerce/order-service."
  type        = list(string)

  validation {
    condition     = alltrue([for each in var.names : can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", each))])
    error_message = "A repository's name has lower-case letters and digits, with . _ - / between them."
  }
}

variable "function_names" {
  description = "Those of the repositories whose images are functions: Lambda may fetch them."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.function_names, var.names)) == 0
    error_message = "Each of function_names is among names."
  }
}

variable "kept_images" {
  description = "Images that stay in each; a rollback needs the last few."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 5
    error_message = "At least five, or there is nothing to go back to."
  }
}

variable "force_delete" {
  description = "Whether `terraform destroy` may take the images along."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the images; null: ECR's own."
  type        = string
  default     = null
}
