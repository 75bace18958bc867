output "arns" {
  description = "ARN of each table, by its name without the prefix."
  value       = { for name, table in aws_dynamodb_table.this : name => table.arn }
}

output "names" {
  description = "Name of each table, by its name without the prefix."
  value       = { for name, table in aws_dynamodb_table.this : name => table.name }
}
