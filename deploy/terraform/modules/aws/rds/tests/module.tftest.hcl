mock_provider "aws" {
  mock_resource "aws_db_instance" {
    defaults = { master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:x" }] }
  }
}

variables {
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-1", "subnet-2"]
  client_security_groups = { nodes = "sg-1" }
  kms_key_arn            = "arn:aws:kms:us-east-1:111122223333:key/x"
}

run "its_logs_are_kept_for_a_year_and_not_for_ever" {
  command = plan

  assert {
    condition     = alltrue([for each in aws_db_instance.this.enabled_cloudwatch_logs_exports : aws_cloudwatch_log_group.this[each].name == "/aws/rds/instance/ecommerce-postgres/${each}" && aws_cloudwatch_log_group.this[each].retention_in_days == 365])
    error_message = "RDS writes into a group that is there, and makes one without an end where there is none"
  }
}

run "the_documented_database" {
  command = plan

  assert {
    condition     = aws_db_instance.this.engine_version == "15" && aws_db_instance.this.instance_class == "db.t3.micro" && aws_db_instance.this.allocated_storage == 20 && aws_db_instance.this.backup_retention_period == 30 && !aws_db_instance.this.multi_az
    error_message = "the documented sizes are the defaults"
  }
  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.deletion_protection
    error_message = "private, encrypted and protected"
  }
  assert {
    condition     = anytrue([for each in aws_db_parameter_group.this.parameter : each.name == "rds.force_ssl" && each.value == "1"])
    error_message = "no connection in plain text"
  }
  assert {
    condition     = !aws_db_instance.this.allow_major_version_upgrade
    error_message = "no new major version without being told"
  }
}

run "a_major_version_that_is_wanted" {
  command = plan
  variables {
    engine_version              = "16"
    allow_major_version_upgrade = true
  }

  assert {
    condition     = aws_db_instance.this.engine_version == "16" && aws_db_instance.this.allow_major_version_upgrade && aws_db_parameter_group.this.family == "postgres16"
    error_message = "the version, and the parameters of that version"
  }
}

run "a_name_with_a_space" {
  command = plan
  variables {
    name = "a database"
  }
  expect_failures = [var.name]
}

run "an_old_version" {
  command = plan
  variables {
    engine_version = "11.4"
  }
  expect_failures = [var.engine_version]
}

run "a_class_of_another_kind" {
  command = plan
  variables {
    instance_class = "t3.micro"
  }
  expect_failures = [var.instance_class]
}

run "too_little_storage" {
  command = plan
  variables {
    storage_gb = 5
  }
  expect_failures = [var.storage_gb]
}

run "a_name_of_rds" {
  command = plan
  variables {
    username = "postgres"
  }
  expect_failures = [var.username]
}

run "a_day_of_backups" {
  command = plan
  variables {
    backup_days = 1
  }
  expect_failures = [var.backup_days]
}

run "one_zone" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
