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
  description = "Name of the VPN."
  type        = string
  default     = "ecommerce-edge"

  validation {
    condition     = can(regex("^[a-z]([-a-z0-9]{0,54}[a-z0-9])?$", var.name))
    error_message = "A name has lower-case letters, digits and dashes, and begins with a letter."
  }
}

variable "network_id" {
  description = "The network."
  type        = string
}

variable "router" {
  description = "Name of the router that learns the ways."
  type        = string
}

variable "peer_asn" {
  description = "Autonomous system of AWS' side."
  type        = number
  default     = 64512
}

variable "tunnels" {
  description = "AWS' four tunnels in their order (secret tunnels_secret of the aws composition); empty at first, when AWS waits for the gateway's addresses."
  type = list(object({
    address      = string
    inside_here  = string
    inside_there = string
  }))
  default = []

  validation {
    condition     = contains([0, 4], length(var.tunnels))
    error_message = "AWS has four tunnels, two a connection; none at first."
  }
}

variable "tunnel_keys" {
  description = "The tunnels' keys, in the same order."
  type        = list(string)
  default     = []
  sensitive   = true

  validation {
    condition     = length(var.tunnel_keys) == length(var.tunnels)
    error_message = "Each tunnel has a key."
  }
}
