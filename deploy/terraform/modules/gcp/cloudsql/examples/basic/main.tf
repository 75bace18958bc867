module "database" {
  source = "../.."

  project_id = "example-project"
  network_id = "projects/example-project/global/networks/ecommerce-network"
}
