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
  description = "Name of the network."
  type        = string
  default     = "ecommerce-network"

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,54}[a-z0-9])?$", var.name))
    error_message = "A name has lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "subnet_name" {
  description = "Name of the subnet."
  type        = string
  default     = "ecommerce-subnet"
}

variable "cidr" {
  description = "Addresses of the subnet; others than those of the network in AWS, or a VPN could not tell them apart."
  type        = string
  default     = "10.10.0.0/20"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && !startswith(var.cidr, "10.0.")
    error_message = "A range as 10.10.0.0/20, outside 10.0.0.0/16, which is AWS' here."
  }
}

variable "kubernetes_ranges" {
  description = "Ranges of pods and services where GKE runs here; null: it does not."
  type = object({
    pods     = string
    services = string
  })
  default = null
}

variable "asn" {
  description = "Autonomous system of the router, for a VPN."
  type        = number
  default     = 64514

  validation {
    condition     = (var.asn >= 64512 && var.asn <= 65534) || (var.asn >= 4200000000 && var.asn <= 4294967294)
    error_message = "A private number: 64512 to 65534, or 4200000000 to 4294967294."
  }
}
