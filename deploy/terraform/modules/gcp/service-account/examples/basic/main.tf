module "runner" {
  source = "../.."

  project_id  = "example-project"
  name        = "analytics-runner"
  description = "Runs the analytics jobs"
  roles       = ["roles/dataproc.worker"]
}
