module "key" {
  source = "../.."

  name        = "ecommerce-data"
  description = "Tables, objects and messages of the shop"
  services    = ["sns.amazonaws.com", "s3.amazonaws.com"]
}
