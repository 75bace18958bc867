environment = "dev"
account_id  = "111122223333"
created_at  = "2026-11-28"

resource_prefix = "dev-"
