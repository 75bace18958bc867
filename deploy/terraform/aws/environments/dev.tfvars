environment         = "dev"
account_id          = "111122223333"
created_at          = "2026-11-28"
certificate_arn     = "arn:aws:acm:us-east-1:111122223333:certificate/00000000-0000-0000-0000-000000000000"
shop_url            = "https://dev.shop.example/api/v1"
notification_emails = ["operations@shop.example"]
deployer_role_arn   = "arn:aws:iam::111122223333:role/ecommerce-deployer"
monthly_budget_usd  = 450

resource_prefix = "dev-"
nat             = "single"
node_count      = { min = 2, desired = 2, max = 4 }
node_capacity   = "SPOT"
repositories    = false # prod's, in the same account
protect         = false
