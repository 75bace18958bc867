output "arn" {
  description = "ARN of the cluster."
  value       = aws_msk_cluster.this.arn
}

output "brokers_iam" {
  description = "Brokers for AWS_MSK_IAM inside: KAFKA_BOOTSTRAP_SERVERS."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
}

output "brokers_public_scram" {
  description = "Brokers for SCRAM from outside."
  value       = aws_msk_cluster.this.bootstrap_brokers_public_sasl_scram
}

output "brokers_scram" {
  description = "Brokers for SCRAM inside."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
}

output "security_group_id" {
  description = "Security group of the brokers."
  value       = aws_security_group.this.id
}
