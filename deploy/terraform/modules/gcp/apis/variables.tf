variable "project_id" {
  description = "The project."
  type        = string
}

variable "apis" {
  description = "APIs."
  type        = list(string)
  default = [
    "cloudresourcemanager.googleapis.com", "compute.googleapis.com", "container.googleapis.com",
    "dataproc.googleapis.com", "sqladmin.googleapis.com", "storage.googleapis.com",
    # Besides the documented ones: what service accounts, logs, networks of databases and BigQuery ask for.
    "artifactregistry.googleapis.com", "binaryauthorization.googleapis.com", "bigquery.googleapis.com", "firestore.googleapis.com", "iam.googleapis.com", "iamcredentials.googleapis.com", "logging.googleapis.com",
    "secretmanager.googleapis.com",
    "servicenetworking.googleapis.com", "sts.googleapis.com",
  ]

  validation {
    condition     = alltrue([for each in var.apis : endswith(each, ".googleapis.com")])
    error_message = "An API is written as storage.googleapis.com."
  }
}
