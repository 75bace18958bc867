variable "name" {
  description = "Name of the function."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9-_]{1,55}$", var.name))
    error_message = "A function's name has letters, digits, dashes and underscores, 55 at most (its role adds -function)."
  }
}

variable "description" {
  description = "What it does, for who finds it in the console."
  type        = string
}

variable "handler" {
  description = "Which function of the program it is, where that has several."
  type        = string
  default     = "bootstrap"
}

variable "package" {
  description = "Zip with the program `bootstrap` in a bucket; null: an image."
  type = object({
    bucket = string
    key    = string
  })
  default = null
}

variable "image_uri" {
  description = "Image in ECR, by digest; null: a package."
  type        = string
  default     = null

  validation {
    condition     = (var.image_uri == null) != (var.package == null)
    error_message = "A function is a package or an image, one of them."
  }
}

variable "architecture" {
  description = "x86_64 or arm64, as the program was built."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture is x86_64 or arm64."
  }
}

variable "memory_mb" {
  description = "Memory, and with it the share of a processor."
  type        = number
  default     = 512

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "128 to 10240 MB."
  }
}

variable "timeout_seconds" {
  description = "When it is given up."
  type        = number
  default     = 60

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "A second to fifteen minutes."
  }
}

variable "concurrency" {
  description = "How many may run at once: what stands behind it must bear them."
  type        = number
  default     = 10

  validation {
    condition     = var.concurrency >= 1
    error_message = "At least one; 0 would switch it off."
  }
}

variable "environment" {
  description = "Environment variables; no secrets: they are shown in the console."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name, _ in var.environment : can(regex("^[A-Z][A-Z0-9_]*$", name))])
    error_message = "A variable is written in capitals."
  }
}

variable "statements" {
  description = "What the program itself may do."
  type = list(object({
    actions   = list(string)
    resources = list(string)
  }))
  default = []

  validation {
    condition     = alltrue([for each in var.statements : alltrue([for action in each.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])])
    error_message = "Actions are named one by one, as s3:GetObject; no pattern."
  }
  validation {
    condition     = alltrue([for each in var.statements : !contains(each.resources, "*")])
    error_message = "A statement names its resources."
  }
}

variable "subnet_ids" {
  description = "Private subnets it runs in; null: outside the network."
  type        = list(string)
  default     = null
}

variable "security_group_ids" {
  description = "Its security groups in the network."
  type        = list(string)
  default     = []
}

variable "dead_letter_arn" {
  description = "Queue for what it could not do."
  type        = string
}

variable "bucket_arns" {
  description = "Buckets that may call it, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "topic_arns" {
  description = "SNS topics that call it, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "queue_arns" {
  description = "SQS queues it is fed from, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "kafka" {
  description = "Topics of an MSK cluster it is fed from, and its group."
  type = object({
    cluster_arn = string
    topics      = list(string)
    group       = string
  })
  default = null
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms go to."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "Key that encrypts its environment and its log; null: Lambda's own."
  type        = string
  default     = null
}
