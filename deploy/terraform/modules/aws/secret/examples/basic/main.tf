module "secrets" {
  source = "../.."

  secrets     = { "ecommerce/stripe-credentials" = "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET" }
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
}
