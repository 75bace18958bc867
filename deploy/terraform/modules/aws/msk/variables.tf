variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "ecommerce-kafka"

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$", var.name))
    error_message = "A cluster's name has at most 64 letters, digits and dashes."
  }
}

variable "kafka_version" {
  description = "Version of Kafka. 3.5.1, as it was once written down, is out of MSK's support since October 2025."
  type        = string
  default     = "3.9.x"

  validation {
    condition     = can(regex("^[34]\\.[0-9]+\\.(x|[0-9]+)(\\.kraft)?$", var.kafka_version))
    error_message = "A version that MSK offers, as 3.9.x."
  }
  validation {
    condition     = try(tonumber(split(".", var.kafka_version)[0]) > 3 || tonumber(split(".", var.kafka_version)[1]) >= 6, false)
    error_message = "MSK supports 3.6 and newer."
  }
}

variable "brokers" {
  description = "Brokers, a multiple of the subnets."
  type        = number
  default     = 3

  validation {
    condition     = var.brokers >= 2 && var.brokers <= 15
    error_message = "2 to 15 brokers."
  }
}

variable "instance_type" {
  description = "Machine of a broker."
  type        = string
  default     = "kafka.t3.small"

  validation {
    condition     = startswith(var.instance_type, "kafka.")
    error_message = "A broker's machine is written as kafka.t3.small."
  }
}

variable "storage_gb" {
  description = "Storage of a broker."
  type        = number
  default     = 100

  validation {
    condition     = var.storage_gb >= 1 && var.storage_gb <= 16384
    error_message = "1 to 16384 GB."
  }
}

variable "vpc_id" {
  description = "Network it stands in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the brokers; public ones where they are reached from outside."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Brokers stand in two zones at least."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "client_cidrs" {
  description = "Networks that may connect, reached by VPN or peering."
  type        = list(string)
  default     = []
}

variable "public" {
  description = "Whether the brokers are made for public addresses, for the other cloud. Asks for TLS and for credentials."
  type        = bool
  default     = false

  validation {
    condition     = !var.public || ((var.iam || var.scram) && !var.plaintext)
    error_message = "Brokers with public addresses need iam or scram, and no plain text."
  }
}

variable "public_open" {
  description = "Whether the public addresses are there: false when the cluster is made, which AWS makes only without them, true from the second apply on."
  type        = bool
  default     = false

  validation {
    condition     = !var.public_open || var.public
    error_message = "Only brokers that are made for it (public) are opened."
  }
}

variable "public_client_cidrs" {
  description = "Addresses of the other cloud that may connect to the public ones: its NAT's."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.public_client_cidrs, "0.0.0.0/0")
    error_message = "Not the whole world: name the addresses of the other cloud's NAT."
  }
}

variable "iam" {
  description = "Whether clients may show IAM credentials (AWS_MSK_IAM)."
  type        = bool
  default     = true
}

variable "scram" {
  description = "Whether clients may show a SCRAM-SHA-512 password."
  type        = bool
  default     = false
}

variable "scram_secret_arns" {
  description = "Secrets with username and password, named AmazonMSK_…, for scram."
  type        = list(string)
  default     = []
}

variable "lambda_pollers" {
  description = "Whether functions are called with what is in topics: Lambda polls from beside the brokers, with IAM."
  type        = bool
  default     = false

  validation {
    condition     = !var.lambda_pollers || var.iam
    error_message = "The pollers of functions show IAM credentials: iam is needed."
  }
}

variable "plaintext" {
  description = "Whether clients inside may connect without TLS, too."
  type        = bool
  default     = false
}

variable "auto_create_topics" {
  description = "Whether an unknown topic is made when it is first used; `stoa migrate` makes those of the shop."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key that encrypts the brokers' storage and logs."
  type        = string
}
