module "documents" {
  source = "../.."

  name = "ecommerce-order-documents-111122223333"
}
