variable "environment" {
  description = "dev or prod. Names get the prefix dev- where they lie beside those of prod."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment is dev or prod."
  }
}

variable "project" {
  description = "Project: before the names of what is made."
  type        = string
  default     = "ecommerce"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.project))
    error_message = "A project has 2 to 20 lower-case letters, digits and dashes."
  }
}

variable "account_id" {
  description = "The account that this is for: another one is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An account is twelve digits."
  }
}

variable "region" {
  description = "Region, us-east-1 or ap-south-1 in the documents."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as us-east-1."
  }
}

variable "created_at" {
  description = "Day this was made on, for the tag CreatedAt: a day that is given is the same in every plan."
  type        = string

  validation {
    condition     = can(regex("^20[0-9]{2}-[01][0-9]-[0-3][0-9]$", var.created_at))
    error_message = "A day is written as 2026-11-28."
  }
}

variable "resource_prefix" {
  description = "Before the names of tables, buckets, queues, topics and roles, as DYNAMODB_TABLE_PREFIX and S3_BUCKET_PREFIX of the shop."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([a-z][a-z0-9]{0,8}-)?$", var.resource_prefix))
    error_message = "A prefix is a word with a dash, as dev-."
  }
}

variable "nat" {
  description = "per_zone, single or none (modules/aws/vpc)."
  type        = string
  default     = "per_zone"
}

variable "interface_endpoints" {
  description = "Services of AWS that are reached inside the network, besides S3, DynamoDB, ECR, Lambda, SQS and STS: with nat = none all that pods, nodes and functions call."
  type        = list(string)
  default     = []
}

variable "kubernetes_version" {
  description = "Version of Kubernetes (modules/aws/eks)."
  type        = string
  default     = "1.34"
}

variable "node_count" {
  description = "Nodes: at least, at first, at most."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 3, desired = 3, max = 10 }
}

variable "node_capacity" {
  description = "ON_DEMAND or SPOT."
  type        = string
  default     = "ON_DEMAND"
}

variable "api_access_cidrs" {
  description = "Networks that may reach the cluster's API; empty: from inside alone."
  type        = list(string)
  default     = []
}

variable "cluster_access" {
  description = "Who may use the cluster's API (modules/aws/eks, access)."
  type = map(object({
    principal_arn = string
    groups        = optional(list(string), [])
    policy        = optional(string)
    namespaces    = optional(list(string), [])
  }))
  default = {}
}

variable "deployer_role_arn" {
  description = "Role that installs charts into the cluster (../aws-cluster): nobody else administers it, its maker neither; null: nobody does."
  type        = string
  default     = null

  validation {
    condition     = var.deployer_role_arn == null || can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/", var.deployer_role_arn))
    error_message = "deployer_role_arn is the ARN of a role or user."
  }
}

variable "controllers" {
  description = "Which controllers have a role: who registers pods with the balancer, who adds nodes. ../aws-cluster installs them."
  type = object({
    load_balancer = optional(bool, true)
    autoscaler    = optional(bool, true)
  })
  default = {}
}

variable "identity" {
  description = "How pods show who they are: irsa or pod_identity."
  type        = string
  default     = "irsa"
}

variable "db_engine_version" {
  description = "Version of PostgreSQL."
  type        = string
  default     = "15"
}

variable "db_allow_major_version_upgrade" {
  description = "Whether a new major version in db_engine_version is gone to. It cannot be taken back; set it for that one apply."
  type        = bool
  default     = false
}

variable "db_instance_class" {
  description = "Machine of the database."
  type        = string
  default     = "db.t3.micro"
}

variable "db_multi_az" {
  description = "Whether a copy in another zone takes over."
  type        = bool
  default     = false
}

variable "kafka_version" {
  description = "Version of Kafka (modules/aws/msk)."
  type        = string
  default     = "3.9.x"
}

variable "kafka_instance_type" {
  description = "Machine of a broker."
  type        = string
  default     = "kafka.t3.small"
}

variable "kafka_edge" {
  description = "How the other cloud reaches Kafka: none, public (SASL and TLS at public addresses) or vpn."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "public", "vpn"], var.kafka_edge)
    error_message = "kafka_edge is none, public or vpn."
  }
}

variable "kafka_open" {
  description = "Whether the other cloud may come in: with kafka_edge = public the public addresses, with public and vpn the user of the secret AmazonMSK_…. false in the apply that makes the brokers; true from the next on, when the secret has its value."
  type        = bool
  default     = false
}

variable "gcp_addresses" {
  description = "Addresses of the other cloud: its NAT's for public (nat_addresses), its gateway's two for vpn (vpn_addresses)."
  type        = list(string)
  default     = []

  validation {
    condition     = var.kafka_edge == "none" || length(var.gcp_addresses) > 0
    error_message = "kafka_edge needs the addresses of the other cloud: apply gcp first, then take its outputs."
  }
}

variable "gcp_cidr" {
  description = "Addresses of the other cloud's subnet, for vpn."
  type        = string
  default     = "10.10.0.0/20"
}

variable "gcp_job_subject" {
  description = "Unique id of the service account of the jobs in the other cloud, which may take a role here; null: none may."
  type        = string
  default     = null
}

variable "alb" {
  description = "Whether Terraform makes the balancer (overlays with components/eks-target-group); false where an Ingress does (components/eks-ingress)."
  type        = bool
  default     = true
}

variable "certificate_arn" {
  description = "Certificate of ACM for the shop's host."
  type        = string
}

variable "shop_url" {
  description = "Where the shop's API is reached, for the import function: PRODUCT_API_URL."
  type        = string

  validation {
    condition     = startswith(var.shop_url, "https://")
    error_message = "The API is reached by https."
  }
}

variable "functions" {
  description = "Each function's zip in the bucket of functions (key), or its image in ECR (image, by digest), as product-image-processor is one; what is not named is not made."
  type = map(object({
    key   = optional(string)
    image = optional(string)
  }))
  default = {
    product-import         = { key = "product-import.zip" }
    ecommerce-notification = { key = "ecommerce-notification.zip" }
  }

  validation {
    condition     = alltrue([for name, _ in var.functions : contains(["product-import", "product-image-processor", "ecommerce-notification"], name)])
    error_message = "The functions are product-import, product-image-processor and ecommerce-notification."
  }
  validation {
    condition     = alltrue([for each in var.functions : (each.key == null) != (each.image == null)])
    error_message = "A function has a key or an image, one of them."
  }
  validation {
    condition     = alltrue([for name, each in var.functions : each.key == null if name == "product-image-processor"])
    error_message = "product-image-processor is built as an image, not as a zip: name it by image."
  }
}

variable "notification_emails" {
  description = "Who gets what customers are told, and alarms; each must confirm."
  type        = list(string)
}

variable "monthly_budget_usd" {
  description = "What a month may cost."
  type        = number
}

variable "repositories" {
  description = "Whether the images' repositories are made here: by one of the environments that share an account."
  type        = bool
  default     = true
}

variable "github" {
  description = "Repository of GitHub whose jobs push images and plan (owner/name), and the bucket of the states; null: none may. Where the repositories are."
  type        = object({ repository = string, state_bucket = string })
  default     = null
}

variable "loki_bucket" {
  description = "Whether there is a bucket for Loki, and a role, for its chart (deploy/argocd/charts/loki.yaml)."
  type        = bool
  default     = false
}

variable "protect" {
  description = "Whether databases, tables and balancers refuse to be deleted."
  type        = bool
  default     = true
}
