output "roles" {
  description = "AWS_PUSH_ROLE and AWS_PLAN_ROLE of the repository's variables."
  value       = { for name, each in aws_iam_role.this : name => each.arn }
}
