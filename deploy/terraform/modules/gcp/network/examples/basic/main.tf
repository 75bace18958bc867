module "network" {
  source = "../.."

  project_id = "example-project"
}
