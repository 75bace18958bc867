environment = "prod"
account_id  = "111122223333"
created_at  = "2026-11-28"
