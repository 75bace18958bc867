# What a shop on GKE needs besides the cluster and Cloud SQL: buckets by Cloud Storage's S3 interface, places for secrets, the
# accounts that its pods stand for, and the address of its gateway (deploy/kubernetes/components/gke).
locals {
  needs = jsondecode(file("${path.module}/../shop.json"))
  # The results' bucket is there already: the jobs write it.
  shop_buckets = var.gke ? setsubtract(local.needs.buckets, ["${var.project}-analytics-results"]) : []
}

module "shop_bucket" {
  source   = "../modules/gcp/bucket"
  for_each = toset(local.shop_buckets)

  project_id      = var.project_id
  name            = "${each.key}-${var.project_id}"
  location        = upper(var.region)
  force_destroy   = !var.protect
  noncurrent_days = 90
  log_bucket      = module.access_log.name
  labels          = local.labels
}

# Its HMAC key is made by a person (gcloud storage hmac create) and kept in the secret storage-credentials: made here, it
# would lie in the state.
module "shop" {
  source = "../modules/gcp/service-account"
  count  = var.gke ? 1 : 0

  project_id  = var.project_id
  name        = "${var.project}-shop"
  description = "The shop's files, by the S3 interface"
  bucket_roles = merge(
    { for name, each in module.shop_bucket : name => { bucket = each.name, role = "roles/storage.objectAdmin" } },
    { analytics-results = { bucket = local.buckets["analytics-results"], role = "roles/storage.objectAdmin" } },
  )

  depends_on = [module.apis]
}

module "secrets_reader" {
  source = "../modules/gcp/service-account"
  count  = var.gke ? 1 : 0

  project_id  = var.project_id
  name        = "${var.project}-secrets"
  description = "Reads the shop's secrets for the external secrets operator"
  pods        = ["${var.project}/secrets"]

  depends_on = [module.gke] # whose identity pool it is
}

module "log_shipper" {
  source = "../modules/gcp/service-account"
  count  = var.gke ? 1 : 0

  project_id  = var.project_id
  name        = "${var.project}-log-shipper"
  description = "Hands the pods' lines to Cloud Logging"
  roles       = ["roles/logging.logWriter"]
  pods        = ["monitoring/promtail"]

  depends_on = [module.gke] # whose identity pool it is
}

module "secrets" {
  source = "../modules/gcp/secret"
  count  = var.gke ? 1 : 0

  project_id = var.project_id
  reader     = "serviceAccount:${module.secrets_reader[0].email}"
  labels     = local.labels
  secrets = {
    "${var.project}-db-credentials"      = "DATABASE_URL"
    "${var.project}-stripe-credentials"  = "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET"
    "${var.project}-signing-keys"        = "keys.json"
    "${var.project}-kafka-credentials"   = "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
    "${var.project}-storage-credentials" = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of Cloud Storage's S3 interface"
    "${var.project}-mail-credentials"    = "SMTP_URL of the mail server, with its user and password"
  }

  depends_on = [module.apis]
}

resource "google_compute_global_address" "gateway" {
  count = var.gke ? 1 : 0

  project = var.project_id
  name    = "${var.project}-gateway"

  depends_on = [module.apis]
}
