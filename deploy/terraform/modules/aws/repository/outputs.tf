output "urls" {
  description = "Where images are pushed, by repository."
  value       = { for name, each in aws_ecr_repository.this : name => each.repository_url }
}

output "arns" {
  description = "ARNs of the repositories."
  value       = { for name, each in aws_ecr_repository.this : name => each.arn }
}
