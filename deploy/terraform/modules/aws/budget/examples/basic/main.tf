module "budget" {
  source = "../.."

  name        = "ecommerce"
  monthly_usd = 600
  emails      = ["shop@example.com"]
}
