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
  description = "Name of the instance."
  type        = string
  default     = "ecommerce-analytics-pg"

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{0,80}$", var.name))
    error_message = "An instance's name has lower-case letters, digits and dashes."
  }
}

variable "database_version" {
  description = "Version of PostgreSQL."
  type        = string
  default     = "POSTGRES_15"

  validation {
    condition     = try(tonumber(trimprefix(var.database_version, "POSTGRES_")) >= 15, false)
    error_message = "POSTGRES_15 or newer."
  }
}

variable "database" {
  description = "Name of the database."
  type        = string
  default     = "ecommerce"
}

variable "tier" {
  description = "Machine."
  type        = string
  default     = "db-f1-micro"
}

variable "availability_type" {
  description = "ZONAL, or REGIONAL with a copy in another zone."
  type        = string
  default     = "ZONAL"

  validation {
    condition     = contains(["ZONAL", "REGIONAL"], var.availability_type)
    error_message = "availability_type is ZONAL or REGIONAL."
  }
}

variable "ssl_mode" {
  description = "ENCRYPTED_ONLY; the documents leave it open (ALLOW_UNENCRYPTED_AND_ENCRYPTED)."
  type        = string
  default     = "ENCRYPTED_ONLY"

  validation {
    condition     = contains(["ALLOW_UNENCRYPTED_AND_ENCRYPTED", "ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"], var.ssl_mode)
    error_message = "ssl_mode is ALLOW_UNENCRYPTED_AND_ENCRYPTED, ENCRYPTED_ONLY or TRUSTED_CLIENT_CERTIFICATE_REQUIRED."
  }
}

variable "network_id" {
  description = "Network it is reached in."
  type        = string
}

variable "deletion_protection" {
  description = "Whether it refuses to be deleted; off in the documents."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
