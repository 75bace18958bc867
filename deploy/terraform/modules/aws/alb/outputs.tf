output "dns_name" {
  description = "Host name of the balancer, for the shop's CNAME or alias."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Zone of that name, for an alias of Route 53."
  value       = aws_lb.this.zone_id
}

output "target_group_arn" {
  description = "Where the gateway's pods are registered (TargetGroupBinding)."
  value       = aws_lb_target_group.gateway.arn
}

output "security_group_id" {
  description = "Security group of the balancer."
  value       = aws_security_group.this.id
}
