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
  description = "Name of the cluster."
  type        = string
  default     = "ecommerce-analytics"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,49}[a-z0-9])?$", var.name))
    error_message = "A cluster's name has at most 51 lower-case letters, digits and dashes."
  }
}

variable "machine_type" {
  description = "Machines."
  type        = string
  default     = "n1-standard-4"
}

variable "workers" {
  description = "Workers; 0: the master does the work."
  type        = number
  default     = 2

  validation {
    condition     = var.workers == 0 || var.workers >= 2
    error_message = "No worker or at least two: Dataproc has no cluster with one."
  }
}

variable "disk_gb" {
  description = "Boot disk of each machine."
  type        = number
  default     = 50

  validation {
    condition     = var.disk_gb >= 30
    error_message = "Dataproc's images need 30 GB."
  }
}

variable "image_version" {
  description = "Image of Dataproc: 2.2 or 2.3, whose Spark is the job's 3.5 (3.0 has 4.1). 2.1-debian11, as it was once written down, is out of support since March 2026 and goes with that year."
  type        = string
  default     = "2.3-debian12"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+(\\.[0-9]+)?-(debian|ubuntu|rocky)[0-9]+$", var.image_version))
    error_message = "An image is written as 2.3-debian12."
  }
  validation {
    condition     = can(regex("^2\\.[23][.-]", var.image_version)) || !can(regex("^[0-9]+\\.[0-9]+", var.image_version))
    error_message = "2.2 or 2.3: older images are out of support, newer ones have another Spark than the job."
  }
}

variable "components" {
  description = "Optional components. FLINK, for other jobs: that of 2.3 is 1.17, and the shop's brings its own 1.20. PYTHON3 of the documents is a part of every image, HIVE_WEBHCAT is not used."
  type        = list(string)
  default     = ["FLINK", "JUPYTER", "DOCKER"]

  validation {
    condition     = alltrue([for each in var.components : can(regex("^[A-Z][A-Z_0-9]+$", each))]) && !contains(var.components, "PYTHON3")
    error_message = "A component is written as JUPYTER; PYTHON3 is none since image 1.4."
  }
}

variable "subnet" {
  description = "Link of the subnet."
  type        = string
}

variable "service_account" {
  description = "Account that jobs run as."
  type        = string
}

variable "staging_bucket" {
  description = "Bucket for what jobs are started with."
  type        = string
}

variable "temp_bucket" {
  description = "Bucket for what jobs keep for a while."
  type        = string
}

variable "kms_key_name" {
  description = "Key that encrypts the disks; null: Google's own."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
