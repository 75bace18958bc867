module "ci" {
  source = "../.."

  name                  = "ecommerce"
  repository            = "example/stoa"
  image_repository_arns = ["arn:aws:ecr:us-east-1:111122223333:repository/ecommerce/api-gateway"]
  state_bucket          = "ecommerce-terraform-state-111122223333"
  state_key_alias       = "alias/ecommerce-terraform-state"
}
