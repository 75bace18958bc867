module "dataset" {
  source = "../.."

  project_id = "example-project"
  writers    = { jobs = "serviceAccount:analytics-runner@example-project.iam.gserviceaccount.com" }
}
