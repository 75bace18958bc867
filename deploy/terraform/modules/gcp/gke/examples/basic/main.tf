module "cluster" {
  source = "../.."

  project_id      = "example-project"
  network_id      = "ecommerce-network"
  subnet          = "ecommerce-subnet"
  service_account = "nodes@example-project.iam.gserviceaccount.com"
}
