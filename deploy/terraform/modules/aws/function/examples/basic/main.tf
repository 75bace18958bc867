module "import" {
  source = "../.."

  name            = "product-import"
  description     = "Rows of an uploaded CSV become products"
  package         = { bucket = "ecommerce-functions-111122223333", key = "product-import.zip" }
  environment     = { PRODUCT_API_URL = "https://shop.example/api/v1" }
  dead_letter_arn = "arn:aws:sqs:us-east-1:111122223333:product-import-dlq"
  bucket_arns     = { products = "arn:aws:s3:::ecommerce-products-111122223333" }
  statements = [{
    actions   = ["s3:GetObject"]
    resources = ["arn:aws:s3:::ecommerce-products-111122223333/*"]
  }]
}
