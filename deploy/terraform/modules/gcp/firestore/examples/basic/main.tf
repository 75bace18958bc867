module "documents" {
  source = "../.."

  project_id = "example-project"
}
