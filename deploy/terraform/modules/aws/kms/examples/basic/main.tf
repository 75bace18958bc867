module "key" {
  source = "../.."

  name        = "ecommerce-data"
  description = "Tables, objects and messages of the shop"
  services    = ["cloudwatch.amazonaws.com"]
  logs_region = "us-east-1"
}
