variable "name" {
  description = "Name of the VPN."
  type        = string
}

variable "vpc_id" {
  description = "Network whose brokers are reached."
  type        = string
}

variable "route_table_ids" {
  description = "Route tables that learn the way to the other cloud."
  type        = list(string)
}

variable "asn" {
  description = "Autonomous system of AWS' side."
  type        = number
  default     = 64512

  validation {
    condition     = (var.asn >= 64512 && var.asn <= 65534) || (var.asn >= 4200000000 && var.asn <= 4294967294)
    error_message = "A private number: 64512 to 65534, or 4200000000 to 4294967294."
  }
}

variable "peer_asn" {
  description = "Autonomous system of the other side."
  type        = number
  default     = 64514

  validation {
    condition     = var.peer_asn != var.asn
    error_message = "The two sides have different numbers."
  }
}

variable "peer_addresses" {
  description = "The two addresses of Google's HA VPN gateway (output vpn_addresses of the gcp composition)."
  type        = list(string)

  validation {
    condition     = length(var.peer_addresses) == 2 && alltrue([for each in var.peer_addresses : can(cidrhost("${each}/32", 0))])
    error_message = "Two IPv4 addresses: Google's gateway has two interfaces."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the tunnels' keys."
  type        = string
}
