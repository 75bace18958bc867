environment = "dev"
project_id  = "example-project-dev"
created_at  = "2026-11-28"
workers     = 0
kafka_edge  = "none" # as dev of aws
protect     = false
