environment         = "prod"
account_id          = "111122223333"
created_at          = "2026-11-28"
certificate_arn     = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
shop_url            = "https://shop.example/api/v1"
notification_emails = ["operations@shop.example"]
deployer_role_arn   = "arn:aws:iam::111122223333:role/ecommerce-deployer"
monthly_budget_usd  = 900

db_multi_az     = true
kafka_edge      = "public"
kafka_open      = true # false in the apply that makes the brokers and the place of their user
gcp_addresses   = ["203.0.113.10"]
loki_bucket     = true
github          = { repository = "example/stoa", state_bucket = "ecommerce-terraform-state-111122223333" }
gcp_job_subject = "100000000000000000001"

functions = {
  product-import          = { key = "product-import.zip" }
  ecommerce-notification  = { key = "ecommerce-notification.zip" }
  product-image-processor = { image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/ecommerce/product-image-processor@sha256:0000000000000000000000000000000000000000000000000000000000000000" }
}
