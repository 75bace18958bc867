module "cluster" {
  source = "../.."

  project_id      = "example-project"
  subnet          = "projects/example-project/regions/us-central1/subnetworks/ecommerce-subnet"
  service_account = "ecommerce-flink@example-project.iam.gserviceaccount.com"
  staging_bucket  = "staging"
  temp_bucket     = "temp"
}
