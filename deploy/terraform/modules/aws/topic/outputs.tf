output "arn" {
  description = "ARN of the topic: SNS_TOPIC_ARN."
  value       = aws_sns_topic.this.arn
}
