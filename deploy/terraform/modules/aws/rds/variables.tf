variable "name" {
  description = "Name of the instance."
  type        = string
  default     = "ecommerce-postgres"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,50}$", var.name))
    error_message = "A name has at most 51 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "engine_version" {
  description = "Version of PostgreSQL: 15 takes the newest of 15 (15.3, as it was once written down, is no longer offered)."
  type        = string
  default     = "15"

  validation {
    condition     = try(tonumber(split(".", var.engine_version)[0]) >= 15, false)
    error_message = "PostgreSQL 15 or newer: what the shop is tested on."
  }
}

variable "allow_major_version_upgrade" {
  description = "Whether a new major version in engine_version is gone to. It cannot be taken back; set it for that one apply."
  type        = bool
  default     = false
}

variable "instance_class" {
  description = "Machine of the database."
  type        = string
  default     = "db.t3.micro"

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "A class is written as db.t3.micro."
  }
}

variable "storage_gb" {
  description = "Storage at first."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gb >= 20
    error_message = "gp3 begins at 20 GB."
  }
}

variable "max_storage_gb" {
  description = "Storage that it may grow to by itself."
  type        = number
  default     = 100
}

variable "database" {
  description = "Database of the shop."
  type        = string
  default     = "ecommerce"
}

variable "username" {
  description = "Owner of the database."
  type        = string
  default     = "stoa"

  validation {
    condition     = !contains(["admin", "postgres", "rdsadmin"], var.username)
    error_message = "RDS keeps this name for itself."
  }
}

variable "multi_az" {
  description = "Whether a copy in another zone takes over."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days that it can be brought back to."
  type        = number
  default     = 30

  validation {
    condition     = var.backup_days >= 7 && var.backup_days <= 35
    error_message = "RDS keeps at most 35 days; fewer than 7 are too few for a shop."
  }
}

variable "deletion_protection" {
  description = "Whether it refuses to be deleted."
  type        = bool
  default     = true
}

variable "vpc_id" {
  description = "Network it stands in."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS wants subnets of two zones, also for one instance."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, backups and the password."
  type        = string
}
