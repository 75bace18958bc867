module "edge" {
  source = "../.."

  project_id = "example-project"
  network_id = "ecommerce-network"
  router     = "ecommerce-network"
}
