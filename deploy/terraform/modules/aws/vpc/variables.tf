variable "name" {
  description = "Name of the network."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.name))
    error_message = "A name has 2 to 40 lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "cidr" {
  description = "Addresses of the network."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "A network of AWS is written as 10.0.0.0/16, and is from /16 to /24 here."
  }
}

variable "public_subnets" {
  description = "Addresses of the public subnets, one a zone."
  type        = list(string)
  default     = ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]

  validation {
    condition     = length(var.public_subnets) >= 2 && length(var.public_subnets) <= 6
    error_message = "Two to six zones: a balancer and a cluster need two."
  }
  validation {
    condition     = alltrue([for each in var.public_subnets : can(cidrhost(each, 0))])
    error_message = "A subnet is written as 10.0.1.0/24."
  }
}

variable "private_subnets" {
  description = "Addresses of the private subnets, as many as there are public ones."
  type        = list(string)
  default     = ["10.0.11.0/24", "10.0.12.0/24", "10.0.13.0/24"]

  validation {
    condition     = length(var.private_subnets) == length(var.public_subnets)
    error_message = "Each zone has a public and a private subnet."
  }
  validation {
    condition     = alltrue([for each in var.private_subnets : can(cidrhost(each, 0))])
    error_message = "A subnet is written as 10.0.11.0/24."
  }
}

variable "nat" {
  description = "Ways out of the private subnets: per_zone survives the loss of a zone, single costs a third, none."
  type        = string
  default     = "per_zone"

  validation {
    condition     = contains(["per_zone", "single", "none"], var.nat)
    error_message = "nat is per_zone, single or none."
  }
}

variable "interface_endpoints" {
  description = "AWS services with an endpoint in the private subnets, besides S3 and DynamoDB."
  type        = list(string)
  default     = ["ecr.api", "ecr.dkr", "sts"]

  validation {
    condition     = alltrue([for each in var.interface_endpoints : !contains(["s3", "dynamodb"], each)])
    error_message = "S3 and DynamoDB have gateway endpoints already, which cost nothing."
  }
}

variable "cluster_name" {
  description = "Cluster whose balancers stand in the subnets; null: none."
  type        = string
  default     = null
}

variable "flow_log_days" {
  description = "Days that flow logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.flow_log_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow logs; null: CloudWatch's own."
  type        = string
  default     = null
}
