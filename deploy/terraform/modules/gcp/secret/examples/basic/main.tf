module "secrets" {
  source = "../.."

  project_id = "example-project"
  secrets    = { ecommerce-stripe-credentials = "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET" }
  reader     = "serviceAccount:ecommerce-secrets@example-project.iam.gserviceaccount.com"
}
