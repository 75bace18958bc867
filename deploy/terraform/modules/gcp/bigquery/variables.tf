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

variable "tables" {
  description = "Tables over objects of JSON lines, by name: where the objects lie, and the type of each column."
  type        = map(object({ uris = list(string), columns = map(string) }))
  default     = {}

  validation {
    condition     = alltrue([for name, each in var.tables : can(regex("^[A-Za-z0-9_]{1,1024}$", name)) && length(each.columns) > 0])
    error_message = "A table's name has letters, digits and underscores, and it has columns."
  }

  validation {
    condition     = alltrue([for each in values(var.tables) : length(each.uris) > 0 && alltrue([for uri in each.uris : can(regex("^gs://[^*]+[*]?[^*]*$", uri))])])
    error_message = "Objects are written as gs://bucket/folder/*, with one asterisk at most."
  }

  validation {
    condition     = alltrue(flatten([for each in values(var.tables) : [for type in values(each.columns) : contains(["STRING", "INT64", "NUMERIC", "TIMESTAMP"], type)]]))
    error_message = "A column is STRING, INT64, NUMERIC or TIMESTAMP."
  }
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
