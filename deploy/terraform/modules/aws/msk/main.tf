# Kafka: three brokers, TLS between them and to clients, who show IAM credentials or a SCRAM password. Topics are made by
# `stoa migrate`, which knows their partitions and how long they keep.
locals {
  # Port by way in, inside and from outside.
  ports        = merge({ tls = 9094 }, var.iam ? { iam = 9098 } : {}, var.scram ? { scram = 9096 } : {}, var.plaintext ? { plaintext = 9092 } : {})
  public_ports = merge(var.iam ? { iam = 9198 } : {}, var.scram ? { scram = 9196 } : {})
  ingress      = { for pair in setproduct(keys(var.client_security_groups), keys(local.ports)) : "${pair[0]}-${pair[1]}" => pair }
  outside      = { for pair in setproduct(var.public_client_cidrs, keys(local.public_ports)) : "${pair[0]}-${pair[1]}" => pair }
}

resource "aws_security_group" "this" {
  name_prefix = "${var.name}-"
  description = "Kafka from the shop and, by choice, from the other cloud"
  vpc_id      = var.vpc_id

  tags = { Name = var.name }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "inside" {
  for_each = local.ingress

  security_group_id            = aws_security_group.this.id
  description                  = "Kafka (${each.value[1]}) from ${each.value[0]}"
  referenced_security_group_id = var.client_security_groups[each.value[0]]
  ip_protocol                  = "tcp"
  from_port                    = local.ports[each.value[1]]
  to_port                      = local.ports[each.value[1]]
}

resource "aws_vpc_security_group_ingress_rule" "networks" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.this.id
  description       = "Kafka from ${each.key}, by VPN or peering"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = 9094
  to_port           = 9098
}

resource "aws_vpc_security_group_ingress_rule" "outside" {
  for_each = var.public ? local.outside : {}

  security_group_id = aws_security_group.this.id
  description       = "Kafka (${each.value[1]}) from the other cloud's addresses"
  cidr_ipv4         = each.value[0]
  ip_protocol       = "tcp"
  from_port         = local.public_ports[each.value[1]]
  to_port           = local.public_ports[each.value[1]]
}

# Lambda's pollers have addresses in the brokers' subnets and the brokers' own group: to the brokers, and to the endpoints
# of Lambda and STS.
resource "aws_vpc_security_group_ingress_rule" "pollers" {
  count = var.lambda_pollers ? 1 : 0

  security_group_id            = aws_security_group.this.id
  description                  = "Kafka (iam) from the pollers of Lambda"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

resource "aws_vpc_security_group_egress_rule" "pollers" {
  for_each = var.lambda_pollers ? { kafka = 9098, endpoints = 443 } : {}

  security_group_id            = aws_security_group.this.id
  description                  = each.key == "kafka" ? "Pollers of Lambda to the brokers" : "Pollers of Lambda to the services of AWS"
  referenced_security_group_id = each.key == "kafka" ? aws_security_group.this.id : null
  cidr_ipv4                    = each.key == "kafka" ? null : "0.0.0.0/0"
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/msk/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.kms_key_arn
}

# A configuration is for one version, and its name is taken until it is gone: with a new version comes a new name, or the
# new one could not be made before the old one goes.
resource "aws_msk_configuration" "this" {
  name           = "${var.name}-${replace(var.kafka_version, ".", "-")}"
  kafka_versions = [var.kafka_version]

  # Topics are declared; a name that is mistyped must not become one.
  server_properties = join("\n", [
    "auto.create.topics.enable=${var.auto_create_topics}",
    "delete.topic.enable=true",
    "default.replication.factor=${min(3, var.brokers)}",
    "min.insync.replicas=${var.brokers >= 3 ? 2 : 1}",
    "unclean.leader.election.enable=false",
    "log.retention.hours=168",
    "allow.everyone.if.no.acl.found=${var.public ? "false" : "true"}",
  ])

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers
  enhanced_monitoring    = "PER_TOPIC_PER_BROKER"

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [aws_security_group.this.id]

    storage_info {
      ebs_storage_info {
        volume_size = var.storage_gb
      }
    }

    # A cluster is made without public addresses, in the subnets and with the settings that they ask for, and opened later.
    connectivity_info {
      public_access {
        type = var.public && var.public_open ? "SERVICE_PROVIDED_EIPS" : "DISABLED"
      }
    }
  }

  client_authentication {
    unauthenticated = var.public ? false : !var.iam && !var.scram

    sasl {
      iam   = var.iam
      scram = var.scram
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.kms_key_arn

    encryption_in_transit {
      client_broker = var.plaintext ? "TLS_PLAINTEXT" : "TLS"
      in_cluster    = true
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.this.name
      }
    }
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }
      node_exporter {
        enabled_in_broker = true
      }
    }
  }
}

resource "aws_msk_scram_secret_association" "this" {
  count = var.scram && length(var.scram_secret_arns) > 0 ? 1 : 0

  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = var.scram_secret_arns
}
