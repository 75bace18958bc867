output "arns" {
  description = "ARN of each secret."
  value       = { for name, each in aws_secretsmanager_secret.this : name => each.arn }
}
