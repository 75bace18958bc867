module "database" {
  source = "../.."

  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-1", "subnet-2", "subnet-3"]
  client_security_groups = { nodes = "sg-1" }
  kms_key_arn            = "arn:aws:kms:us-east-1:111122223333:key/x"
}
