module "controllers" {
  source = "../.."

  cluster_name     = "ecommerce-eks"
  region           = "us-east-1"
  load_balancer    = { role_arn = "arn:aws:iam::111122223333:role/ecommerce-load-balancer", vpc_id = "vpc-1" }
  external_secrets = {}
  autoscaler       = { role_arn = "arn:aws:iam::111122223333:role/ecommerce-autoscaler" }
}
