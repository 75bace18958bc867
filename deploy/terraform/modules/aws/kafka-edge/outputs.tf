output "tunnels_secret_arn" {
  description = "Secret with what the other side needs of each tunnel."
  value       = aws_secretsmanager_secret.tunnels.arn
}
