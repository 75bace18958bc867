variable "tables" {
  description = "Tables by name: key, indexes, which key attributes are numbers, and the attribute of the time to live."
  type = map(object({
    hash    = string
    range   = optional(string)
    numbers = optional(list(string), [])
    ttl     = optional(string)
    indexes = optional(list(object({
      name  = string
      hash  = string
      range = optional(string)
    })), [])
  }))

  validation {
    condition     = alltrue([for name, _ in var.tables : can(regex("^[a-zA-Z0-9_.-]{3,240}$", name))])
    error_message = "A table's name has 3 to 240 letters, digits, dots, dashes or underscores (255 with the prefix)."
  }
  validation {
    condition     = alltrue([for _, table in var.tables : length(table.indexes) <= 20])
    error_message = "DynamoDB gives a table 20 global indexes."
  }
  validation {
    condition = alltrue([for _, table in var.tables : alltrue([for each in table.numbers : contains(
      concat([table.hash, coalesce(table.range, table.hash)], flatten([for index in table.indexes : [index.hash, coalesce(index.range, index.hash)]])), each
    )])])
    error_message = "numbers names key attributes, of the table or of an index."
  }
}

variable "prefix" {
  description = "Before each name, as DYNAMODB_TABLE_PREFIX of the shop."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{0,15}$", var.prefix))
    error_message = "A prefix has at most 15 letters, digits, dots, dashes or underscores."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the tables; null: DynamoDB's own."
  type        = string
  default     = null
}

variable "point_in_time_recovery" {
  description = "Whether a table can be brought back as of any second of the last 35 days."
  type        = bool
  default     = true
}

variable "deletion_protection" {
  description = "Whether a table refuses to be deleted."
  type        = bool
  default     = true
}
