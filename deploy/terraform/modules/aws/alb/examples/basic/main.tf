module "balancer" {
  source = "../.."

  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-1", "subnet-2"]
  target_security_groups = { nodes = "sg-1" }
  certificate_arn        = "arn:aws:acm:us-east-1:111122223333:certificate/x"
  log_bucket             = "ecommerce-logs-111122223333"
}
