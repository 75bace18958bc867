module "role" {
  source = "../.."

  name            = "ecommerce-cart-service"
  oidc_issuer     = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"
  service_account = "cart-service"
  statements = [{
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = ["arn:aws:dynamodb:us-east-1:111122223333:table/ecommerce-carts"]
  }]
}
