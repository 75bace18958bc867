mock_provider "aws" {}

variables {
  vpc_id                 = "vpc-1"
  subnet_ids             = ["subnet-1", "subnet-2"]
  target_security_groups = { nodes = "sg-1" }
  certificate_arn        = "arn:aws:acm:us-east-1:111122223333:certificate/x"
  log_bucket             = "logs"
}

run "the_documented_balancer" {
  command = plan

  assert {
    condition     = aws_lb.this.name == "ecommerce-alb" && aws_lb.this.enable_http2 && aws_lb.this.enable_cross_zone_load_balancing && !aws_lb.this.internal
    error_message = "public, HTTP/2, across zones"
  }
  assert {
    condition     = one(one(aws_lb_listener.http.default_action).redirect).status_code == "HTTP_301" && aws_lb_listener.https.protocol == "HTTPS"
    error_message = "port 80 only says that there is 443"
  }
  assert {
    condition     = toset([for each in aws_vpc_security_group_ingress_rule.web : each.from_port]) == toset([80, 443])
    error_message = "80 and 443 from anywhere, and no other port"
  }
  assert {
    condition     = aws_lb_target_group.gateway.port == 8080 && one(aws_lb_target_group.gateway.health_check).path == "/health"
    error_message = "to the gateway's port"
  }
}

run "a_name_that_is_too_long" {
  command = plan
  variables {
    name = "a-name-that-is-much-too-long"
  }
  expect_failures = [var.name]
}

run "one_zone" {
  command = plan
  variables {
    subnet_ids = ["subnet-1"]
  }
  expect_failures = [var.subnet_ids]
}

run "a_certificate_that_is_none" {
  command = plan
  variables {
    certificate_arn = "shop.pem"
  }
  expect_failures = [var.certificate_arn]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
