mock_provider "google" {}

variables {
  project_id = "example-project"
  network_id = "projects/example-project/global/networks/ecommerce-network"
}

run "the_documented_database" {
  command = plan

  assert {
    condition     = google_sql_database_instance.this.name == "ecommerce-analytics-pg" && google_sql_database_instance.this.database_version == "POSTGRES_15" && one(google_sql_database_instance.this.settings).availability_type == "ZONAL" && !google_sql_database_instance.this.deletion_protection && one(one(google_sql_database_instance.this.settings).backup_configuration).enabled
    error_message = "15, zonal, with backups, not protected"
  }
  assert {
    condition     = !one(one(google_sql_database_instance.this.settings).ip_configuration).ipv4_enabled
    error_message = "no public address"
  }
  assert {
    condition = alltrue([for name in ["log_checkpoints", "log_connections", "log_disconnections", "log_lock_waits", "log_hostname", "log_duration", "cloudsql.enable_pgaudit"] :
      anytrue([for each in one(google_sql_database_instance.this.settings).database_flags : each.name == name && each.value == "on"])
    ])
    error_message = "who came, what waited and what was changed is logged"
  }
}

run "a_name_in_capitals" {
  command = plan
  variables {
    name = "Database"
  }
  expect_failures = [var.name]
}

run "an_old_version" {
  command = plan
  variables {
    database_version = "POSTGRES_11"
  }
  expect_failures = [var.database_version]
}

run "an_availability_that_there_is_not" {
  command = plan
  variables {
    availability_type = "GLOBAL"
  }
  expect_failures = [var.availability_type]
}

run "a_mode_that_there_is_not" {
  command = plan
  variables {
    ssl_mode = "OFF"
  }
  expect_failures = [var.ssl_mode]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
