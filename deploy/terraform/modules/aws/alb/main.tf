# The public balancer: HTTPS to the gateway's pods, and port 80 only to say so. Where the load balancer controller of
# Kubernetes makes the balancer from an Ingress, this module is left out (alb = false in the composition).
resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Web from anywhere"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "web" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.this.id
  description       = "${each.key} from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  for_each = var.target_security_groups

  security_group_id            = aws_security_group.this.id
  description                  = "The gateway's pods, and their health"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = var.target_port
  to_port                      = var.target_port
}

resource "aws_vpc_security_group_ingress_rule" "targets" {
  for_each = var.target_security_groups

  security_group_id            = each.value
  description                  = "The balancer to the gateway"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = var.target_port
  to_port                      = var.target_port
}

resource "aws_lb" "this" {
  name                             = var.name
  load_balancer_type               = "application"
  internal                         = false
  subnets                          = var.subnet_ids
  security_groups                  = [aws_security_group.this.id]
  enable_http2                     = true
  enable_cross_zone_load_balancing = true
  enable_deletion_protection       = var.deletion_protection
  drop_invalid_header_fields       = true
  desync_mitigation_mode           = "strictest"
  idle_timeout                     = 60

  access_logs {
    enabled = true
    bucket  = var.log_bucket
    prefix  = var.name
  }
}

resource "aws_lb_target_group" "gateway" {
  name                 = "${var.name}-gateway"
  vpc_id               = var.vpc_id
  target_type          = "ip"
  protocol             = "HTTP" # inside the network, to the pods
  port                 = var.target_port
  deregistration_delay = 20

  health_check {
    path                = "/health"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}
