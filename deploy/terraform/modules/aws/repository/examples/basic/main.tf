module "images" {
  source = "../.."

  names = ["ecommerce/order-service"]
}
