variable "name" {
  description = "Name of the cluster."
  type        = string
  default     = "ecommerce-eks"

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]{0,99}$", var.name))
    error_message = "A cluster's name has 1 to 100 letters, digits, dashes and underscores."
  }
}

variable "kubernetes_version" {
  description = "Version of Kubernetes. 1.28, as it was once written down, is no longer supported by AWS."
  type        = string
  default     = "1.34"

  validation {
    condition     = try(tonumber(split(".", var.kubernetes_version)[1]) >= 31, false) && startswith(var.kubernetes_version, "1.")
    error_message = "A version that is in support, as 1.34."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the control plane's addresses and of the nodes."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A cluster stands in at least two zones."
  }
}

variable "public_access_cidrs" {
  description = "Networks that may reach the API from outside; empty: it is private."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.public_access_cidrs, "0.0.0.0/0")
    error_message = "Not the whole world: name the networks, or leave the API private."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts secrets and the cluster's log."
  type        = string
}

variable "instance_types" {
  description = "Machines of the nodes."
  type        = list(string)
  default     = ["t3.medium"]
}

variable "capacity_type" {
  description = "ON_DEMAND or SPOT."
  type        = string
  default     = "ON_DEMAND"

  validation {
    condition     = contains(["ON_DEMAND", "SPOT"], var.capacity_type)
    error_message = "capacity_type is ON_DEMAND or SPOT."
  }
}

variable "node_count" {
  description = "Nodes: at least, at first, at most."
  type = object({
    min     = number
    desired = number
    max     = number
  })
  default = { min = 3, desired = 3, max = 10 }

  validation {
    condition     = 1 <= var.node_count.min && var.node_count.min <= var.node_count.desired && var.node_count.desired <= var.node_count.max
    error_message = "1 ≤ min ≤ desired ≤ max."
  }
}

variable "node_disk_gb" {
  description = "Disk of a node."
  type        = number
  default     = 50

  validation {
    condition     = var.node_disk_gb >= 20
    error_message = "Images and logs need 20 GB at least."
  }
}

variable "addons" {
  description = "Add-ons of EKS: version (null: the newest for the cluster), configuration as JSON, and whether it runs on each node and is there before the first."
  type = map(object({
    version       = optional(string)
    configuration = optional(string)
    on_nodes      = optional(bool, false)
  }))
  default = {
    # Policies of the network are enforced by the same plug-in that gives pods their addresses. It takes them sixteen at a time:
    # one by one, a t3.medium has them for 17 pods.
    vpc-cni                = { on_nodes = true, configuration = "{\"enableNetworkPolicy\":\"true\",\"env\":{\"ENABLE_PREFIX_DELEGATION\":\"true\",\"WARM_PREFIX_TARGET\":\"1\"}}" }
    kube-proxy             = { on_nodes = true }
    eks-pod-identity-agent = { on_nodes = true }
    coredns                = {}
    metrics-server         = {}
    aws-ebs-csi-driver     = {}
  }

  validation {
    condition     = try(var.addons["vpc-cni"].on_nodes, false)
    error_message = "Without vpc-cni, before the nodes, no node becomes ready."
  }
}

variable "access" {
  description = "Who may use the API: a principal of IAM, groups of Kubernetes, an access policy of EKS for namespaces (none: all)."
  type = map(object({
    principal_arn = string
    groups        = optional(list(string), [])
    policy        = optional(string)
    namespaces    = optional(list(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for each in var.access : startswith(each.principal_arn, "arn:")])
    error_message = "A principal is the ARN of a role or user."
  }
}

variable "tags" {
  description = "Tags of machines, their disks and pods' disks, which the provider's own do not reach."
  type        = map(string)
  default     = {}
}
