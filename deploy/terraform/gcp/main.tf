# Where the analytics jobs run, and by choice a shop: in the other cloud than the events come from.
locals {
  labels = {
    environment = var.environment
    project     = var.project
    managed_by  = "terraform"
    created_at  = var.created_at
  }
}

module "apis" {
  source = "../modules/gcp/apis"

  project_id = var.project_id
}

module "network" {
  source = "../modules/gcp/network"

  project_id        = var.project_id
  region            = var.region
  name              = "${var.project}-network"
  subnet_name       = "${var.project}-subnet"
  kubernetes_ranges = var.gke ? { pods = "10.20.0.0/16", services = "10.30.0.0/20" } : null

  depends_on = [module.apis]
}

module "logs" {
  source = "../modules/gcp/logging"

  project_id = var.project_id
  name       = "${var.project}-logs"
  location   = var.region

  depends_on = [module.apis]
}

# --- objects

module "bucket" {
  source = "../modules/gcp/bucket"
  for_each = {
    "${var.project}-flink-code"        = null
    "${var.project}-analytics-results" = null
    "${var.project}-dataproc-staging"  = 30
    "${var.project}-dataproc-temp"     = 14
  }

  project_id  = var.project_id
  name        = "${each.key}-${var.project_id}"
  location    = upper(var.region)
  expire_days = each.value
  log_bucket  = module.access_log.name
  labels      = local.labels
}

module "access_log" {
  source = "../modules/gcp/bucket"

  project_id  = var.project_id
  name        = "${var.project}-access-logs-${var.project_id}"
  location    = upper(var.region)
  expire_days = 90
  takes_logs  = true
  labels      = local.labels

  depends_on = [module.apis]
}

# --- who runs what

locals {
  buckets = { for name, each in module.bucket : trimprefix(name, "${var.project}-") => each.name }

  # By its name, which is known before it is made.
  submitter = var.aws_account_id == null ? [] : ["serviceAccount:${var.project}-submitter@${var.project_id}.iam.gserviceaccount.com"]
}

# Flink's cluster. The documents give it Storage Admin and Dataproc Editor on the whole project; it works with less.
module "flink" {
  source = "../modules/gcp/service-account"

  project_id  = var.project_id
  name        = "${var.project}-flink"
  description = "Machines of the Dataproc cluster, and Flink's jobs"
  roles       = ["roles/dataproc.worker", "roles/logging.logWriter"]
  bucket_roles = {
    for name in ["flink-code", "analytics-results", "dataproc-staging", "dataproc-temp"] :
    name => { bucket = local.buckets[name], role = "roles/storage.objectAdmin" } # beside the code are checkpoints
  }
  users = var.submitters

  depends_on = [module.apis]
}

module "runner" {
  source = "../modules/gcp/service-account"

  project_id  = var.project_id
  name        = "analytics-runner"
  description = "Spark's jobs without servers"
  roles = concat(
    ["roles/dataproc.worker", "roles/logging.logWriter"],
    var.bigquery ? ["roles/bigquery.jobUser"] : [],
    var.firestore ? ["roles/datastore.user"] : [],
  )
  bucket_roles = {
    for name in ["flink-code", "analytics-results", "dataproc-staging", "dataproc-temp"] :
    name => { bucket = local.buckets[name], role = "roles/storage.objectAdmin" } # beside the code are checkpoints
  }
  # A job without servers is submitted as this account, which asks for leave to act as it.
  users = concat(var.submitters, local.submitter)

  depends_on = [module.apis, module.submitter]
}

# Roles of AWS that submit jobs act as this account; it has no key.
module "submitter" {
  source = "../modules/gcp/service-account"
  count  = var.aws_account_id == null ? 0 : 1

  project_id   = var.project_id
  name         = "${var.project}-submitter"
  description  = "Submits jobs, for roles of AWS"
  roles        = ["roles/dataproc.editor"]
  bucket_roles = { code = { bucket = local.buckets["flink-code"], role = "roles/storage.objectAdmin" } }

  depends_on = [module.apis]
}

module "federation" {
  source = "../modules/gcp/aws-federation"
  count  = var.aws_account_id == null ? 0 : 1

  project_id     = var.project_id
  name           = "${var.project}-aws"
  aws_account_id = var.aws_account_id
  roles          = { "${var.project}-deployer" = "projects/${var.project_id}/serviceAccounts/${module.submitter[0].email}" }

  depends_on = [module.apis]
}

# --- jobs

module "dataproc" {
  source = "../modules/gcp/dataproc"
  count  = var.dataproc ? 1 : 0

  project_id      = var.project_id
  region          = var.region
  name            = "${var.project}-analytics"
  workers         = var.workers
  subnet          = module.network.subnet
  service_account = module.flink.email
  staging_bucket  = local.buckets["dataproc-staging"]
  temp_bucket     = local.buckets["dataproc-temp"]
  labels          = local.labels

  depends_on = [module.apis, module.flink]
}

locals {
  # A row of a window of payments, as the job's objects have it: a line of JSON each (docs/analytics.md).
  payment_windows = {
    overall   = { currency = "STRING", payment_count = "INT64", total_amount = "NUMERIC", unique_users = "INT64", average_amount = "NUMERIC" }
    by_status = { status = "STRING", currency = "STRING", payment_count = "INT64", total_amount = "NUMERIC" }
    by_user   = { user_id = "STRING", currency = "STRING", payment_count = "INT64", total_amount = "NUMERIC" }
  }
  every_window = { pipeline = "STRING", window_start = "TIMESTAMP", window_end = "TIMESTAMP" }
}

module "results" {
  source = "../modules/gcp/bigquery"
  count  = var.bigquery ? 1 : 0

  project_id = var.project_id
  name       = "${replace(var.project, "-", "_")}_analytics"
  location   = var.region
  writers    = { spark = "serviceAccount:${module.runner.email}" }
  tables = {
    for folder, columns in local.payment_windows : "payment_windows_${folder}" => {
      uris    = ["gs://${local.buckets["analytics-results"]}/analytics/${folder}/*"]
      columns = merge(local.every_window, columns)
    }
  }
  force_destroy = !var.protect
  labels        = local.labels

  depends_on = [module.apis]
}

# --- by choice

module "database" {
  source = "../modules/gcp/cloudsql"
  count  = var.cloudsql ? 1 : 0

  project_id = var.project_id
  region     = var.region
  name       = "${var.project}-analytics-pg"
  network_id = module.network.id
  labels     = local.labels
}

module "documents" {
  source = "../modules/gcp/firestore"
  count  = var.firestore ? 1 : 0

  project_id = var.project_id
  name       = "${var.project}-analytics"
  location   = var.region
  protect    = var.protect

  depends_on = [module.apis]
}

module "nodes" {
  source = "../modules/gcp/service-account"
  count  = var.gke ? 1 : 0

  project_id  = var.project_id
  name        = "${var.project}-nodes"
  description = "Nodes of the Kubernetes cluster"
  roles       = ["roles/logging.logWriter", "roles/monitoring.metricWriter"]

  depends_on = [module.apis]
}

module "images" {
  source = "../modules/gcp/repository"
  count  = var.gke ? 1 : 0

  project_id = var.project_id
  region     = var.region
  name       = var.project
  readers    = { nodes = "serviceAccount:${module.nodes[0].email}" }
  labels     = local.labels

  depends_on = [module.apis]
}

module "gke" {
  source = "../modules/gcp/gke"
  count  = var.gke ? 1 : 0

  project_id       = var.project_id
  region           = var.region
  name             = "${var.project}-gke"
  network_id       = module.network.id
  subnet           = module.network.subnet
  api_access_cidrs = var.api_access_cidrs
  service_account  = module.nodes[0].email
  protect          = var.protect
  labels           = local.labels
}

module "edge" {
  source = "../modules/gcp/kafka-edge"
  count  = var.kafka_edge == "vpn" ? 1 : 0

  project_id  = var.project_id
  region      = var.region
  name        = "${var.project}-edge"
  network_id  = module.network.id
  router      = module.network.router
  tunnels     = var.vpn_tunnels
  tunnel_keys = var.vpn_tunnel_keys
}
