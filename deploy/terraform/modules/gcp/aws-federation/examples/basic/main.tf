module "federation" {
  source = "../.."

  project_id     = "example-project"
  aws_account_id = "111122223333"
  roles          = { ecommerce-analytics-service = "projects/example-project/serviceAccounts/submitter@example-project.iam.gserviceaccount.com" }
}
