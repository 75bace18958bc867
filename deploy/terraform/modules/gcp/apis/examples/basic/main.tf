module "apis" {
  source = "../.."

  project_id = "example-project"
}
