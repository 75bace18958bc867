module "notifications" {
  source = "../.."

  name = "ecommerce-order-notifications"
}
