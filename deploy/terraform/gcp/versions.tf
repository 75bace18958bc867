terraform {
  required_version = ">= 1.10"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 5.43, < 7.0"
    }
  }

  # Its place is in environments/*.backend.hcl. Cloud Storage locks by itself.
  backend "gcs" {}
}

provider "google" {
  project        = var.project_id
  region         = var.region
  default_labels = local.labels
}
