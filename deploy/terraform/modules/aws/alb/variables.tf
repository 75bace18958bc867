variable "name" {
  description = "Name of the balancer."
  type        = string
  default     = "ecommerce-alb"

  validation {
    condition     = can(regex("^[a-zA-Z0-9-]{1,24}$", var.name)) && !startswith(var.name, "internal-")
    error_message = "A balancer's name has letters, digits and dashes, 24 at most (its target group adds -gateway)."
  }
}

variable "vpc_id" {
  description = "Network it stands in."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, in two zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A balancer stands in two zones at least."
  }
}

variable "target_port" {
  description = "Port of the gateway's pods."
  type        = number
  default     = 8080
}

variable "target_security_groups" {
  description = "Security groups of the pods, by a name of your choice."
  type        = map(string)
  default     = {}
}

variable "certificate_arn" {
  description = "Certificate of ACM for the shop's host."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:", var.certificate_arn))
    error_message = "The ARN of a certificate of ACM."
  }
}

variable "deletion_protection" {
  description = "Whether it refuses to be deleted."
  type        = bool
  default     = true
}

variable "log_bucket" {
  description = "Bucket for its access log."
  type        = string
}
