# The three functions, each with what its program needs and no more.
resource "aws_security_group" "functions" {
  name_prefix = "${local.name}-functions-"
  description = "Functions in the network: to Kafka and to AWS' services"
  vpc_id      = module.network.id

  tags = { Name = "${local.name}-functions" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "functions_https" {
  security_group_id = aws_security_group.functions.id
  description       = "HTTPS: the services of AWS, and the shop's API"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "functions_kafka" {
  security_group_id            = aws_security_group.functions.id
  description                  = "Kafka, with IAM"
  referenced_security_group_id = module.kafka.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

resource "aws_vpc_security_group_ingress_rule" "functions_alb" {
  count = var.alb ? 1 : 0

  security_group_id            = aws_security_group.functions.id
  description                  = "The balancer, where a function is one of its targets"
  referenced_security_group_id = module.balancer[0].security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

locals {
  key_use = {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [module.key.arn]
  }
  images_topic = "${var.resource_prefix}product-images.processed"

  function = {
    product-import = {
      description = "Rows of an uploaded CSV become products of the shop"
      memory      = 512
      timeout     = 900
      network     = false
      environment = {
        PRODUCT_API_URL        = var.shop_url
        PRODUCT_API_KEY_SECRET = module.secrets.arns[local.import_key]
      }
      buckets = { products = local.bucket_arn["${var.project}-products"] }
      topics  = {}
      queues  = {}
      kafka   = null
      statements = [
        # PutObject: how far an import is, and its bad rows, lie beside the file.
        { actions = ["s3:GetObject", "s3:PutObject"], resources = ["${local.bucket_arn["${var.project}-products"]}/*"] },
        { actions = ["secretsmanager:GetSecretValue"], resources = [module.secrets.arns[local.import_key]] },
        local.key_use,
      ]
    }
    product-image-processor = {
      description = "An uploaded picture in the sizes that the storefront shows"
      memory      = 1024
      timeout     = 60
      network     = true
      environment = {
        KAFKA_BROKERS           = module.kafka.brokers_iam
        KAFKA_SECURITY_PROTOCOL = "SASL_SSL"
        KAFKA_SASL_MECHANISM    = "AWS_MSK_IAM"
        KAFKA_TOPIC_PREFIX      = var.resource_prefix
      }
      buckets = { images = local.bucket_arn["ecommerce-product-images"] }
      topics  = {}
      queues  = {}
      kafka   = null
      statements = [
        { actions = ["s3:GetObject", "s3:PutObject"], resources = ["${local.bucket_arn["ecommerce-product-images"]}/*"] },
        # ListBucket: an object that is gone is gone, and not forbidden.
        { actions = ["s3:ListBucket"], resources = [local.bucket_arn["ecommerce-product-images"]] },
        {
          actions   = ["kafka-cluster:Connect", "kafka-cluster:DescribeCluster", "kafka-cluster:WriteDataIdempotently"]
          resources = [module.kafka.arn]
        },
        { actions = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"], resources = ["${local.kafka_topic}/${local.images_topic}"] },
        local.key_use,
      ]
    }
    ecommerce-notification = {
      description = "Tells customers what became of their orders"
      memory      = 512
      timeout     = 60
      network     = true
      environment = {
        KAFKA_BROKERS         = module.kafka.brokers_iam
        SNS_TOPIC_ARN         = module.notifications.arn
        DEAD_LETTER_QUEUE_URL = one([for name, each in module.queue : each.url if name == "ecommerce-notification"])
        DYNAMODB_TABLE_PREFIX = var.resource_prefix
      }
      buckets = {}
      topics  = {}
      queues  = { orders = module.queue[local.order_queue].arn }
      kafka = {
        cluster_arn = module.kafka.arn
        topics      = ["${var.resource_prefix}orders"]
        group       = "${var.resource_prefix}notification-function"
      }
      statements = [
        { actions = ["sns:Publish"], resources = [module.notifications.arn] },
        { actions = ["sqs:SendMessage"], resources = [for name, each in module.queue : each.arn if name == "ecommerce-notification"] },
        {
          actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
          resources = [module.tables.arns["ecommerce-notifications"]]
        },
        local.key_use,
      ]
    }
  }
}

module "function" {
  source   = "../modules/aws/function"
  for_each = var.functions

  name               = "${var.resource_prefix}${each.key}"
  description        = local.function[each.key].description
  handler            = each.key
  package            = each.value.key == null ? null : { bucket = module.packages.name, key = each.value.key }
  image_uri          = each.value.image
  memory_mb          = local.function[each.key].memory
  timeout_seconds    = local.function[each.key].timeout
  environment        = local.function[each.key].environment
  statements         = local.function[each.key].statements
  subnet_ids         = local.function[each.key].network ? module.network.private_subnet_ids : null
  security_group_ids = local.function[each.key].network ? [aws_security_group.functions.id] : []
  bucket_arns        = local.function[each.key].buckets
  topic_arns         = local.function[each.key].topics
  queue_arns         = local.function[each.key].queues
  kafka              = local.function[each.key].kafka
  dead_letter_arn    = module.queue[each.key].arn
  alarm_topic_arns   = [module.alarms.arn]
  kms_key_arn        = module.key.arn
}
