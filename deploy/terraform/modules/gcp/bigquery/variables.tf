variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Id of the dataset."
  type        = string
  default     = "ecommerce_analytics"

  validation {
    condition     = can(regex("^[A-Za-z0-9_]{1,900}$", var.name))
    error_message = "A dataset's id has letters, digits and underscores."
  }
}

variable "location" {
  description = "Where the data lies."
  type        = string
  default     = "us-central1"
}

variable "writers" {
  description = "Who writes, by a name of your choice, as serviceAccount:…"
  type        = map(string)
  default     = {}
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may take the tables along."
  type        = bool
  default     = false
}

variable "kms_key_name" {
  description = "Key that encrypts the tables; null: Google's own."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
