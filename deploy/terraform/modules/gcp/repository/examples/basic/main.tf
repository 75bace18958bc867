module "images" {
  source = "../.."

  project_id = "example-project"
  readers    = { nodes = "serviceAccount:nodes@example-project.iam.gserviceaccount.com" }
}
