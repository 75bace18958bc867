module "tables" {
  source = "../.."

  tables = {
    ecommerce-carts = {
      hash    = "user_id"
      range   = "product_id"
      ttl     = "expires_at"
      indexes = [{ name = "by_product", hash = "product_id" }]
    }
  }
}
