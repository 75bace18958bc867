module "logs" {
  source = "../.."

  project_id = "example-project"
}
