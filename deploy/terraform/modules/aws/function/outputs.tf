output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
  depends_on  = [aws_lambda_permission.bucket] # who is told of objects needs leave to call first
}

output "name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "role_name" {
  description = "Name of its role."
  value       = aws_iam_role.this.name
}
