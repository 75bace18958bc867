# The cluster whose YARN runs Flink, which its job brings along, and Spark where it is not run without servers. No machine has an
# address of its own.
resource "google_dataproc_cluster" "this" {
  project = var.project_id
  name    = var.name
  region  = var.region
  labels  = var.labels

  cluster_config {
    staging_bucket = var.staging_bucket
    temp_bucket    = var.temp_bucket

    gce_cluster_config {
      subnetwork             = var.subnet
      internal_ip_only       = true
      service_account        = var.service_account
      service_account_scopes = ["cloud-platform"]
      tags                   = ["dataproc"]
      metadata               = { "block-project-ssh-keys" = "true" }

      shielded_instance_config {
        enable_secure_boot          = true
        enable_vtpm                 = true
        enable_integrity_monitoring = true
      }
    }

    master_config {
      num_instances = 1
      machine_type  = var.machine_type
      disk_config {
        boot_disk_size_gb = var.disk_gb
      }
    }

    worker_config {
      num_instances = var.workers
      machine_type  = var.machine_type
      disk_config {
        boot_disk_size_gb = var.disk_gb
      }
    }

    software_config {
      image_version       = var.image_version
      optional_components = var.components
      override_properties = var.workers == 0 ? { "dataproc:dataproc.allow.zero.workers" = "true" } : {}
    }

    endpoint_config {
      enable_http_port_access = true
    }

    dynamic "encryption_config" {
      for_each = var.kms_key_name == null ? [] : [var.kms_key_name]
      content {
        kms_key_name = encryption_config.value
      }
    }
  }
}
