variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Region."
  type        = string
  default     = "us-central1"
}

variable "name" {
  description = "Name of the repository; an image is REGION-docker.pkg.dev/PROJECT/NAME/IMAGE."
  type        = string
  default     = "ecommerce"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,61}[a-z0-9]$", var.name))
    error_message = "A repository has 2 to 63 lower-case letters, digits and dashes."
  }
}

variable "kept_images" {
  description = "Images of each name that are kept."
  type        = number
  default     = 50

  validation {
    condition     = var.kept_images >= 2
    error_message = "The one that runs and the one before it at least."
  }
}

variable "readers" {
  description = "Who reads images, by a name of your choice: serviceAccount:…"
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for each in values(var.readers) : !contains(["allUsers", "allAuthenticatedUsers"], each)])
    error_message = "Readers are named; not everybody."
  }
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
