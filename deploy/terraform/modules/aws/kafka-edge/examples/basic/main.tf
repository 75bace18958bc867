module "edge" {
  source = "../.."

  name            = "ecommerce-edge"
  vpc_id          = "vpc-1"
  route_table_ids = ["rtb-1"]
  peer_addresses  = ["203.0.113.1", "203.0.113.2"]
  kms_key_arn     = "arn:aws:kms:us-east-1:111122223333:key/x"
}
