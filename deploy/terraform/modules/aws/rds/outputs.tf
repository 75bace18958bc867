output "address" {
  description = "Host name of the database: DB_HOST."
  value       = aws_db_instance.this.address
}

output "database" {
  description = "Name of the database: DB_NAME."
  value       = aws_db_instance.this.db_name
}

output "password_secret_arn" {
  description = "Secret with the owner's name and password, made and rotated by AWS."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.this.id
}
