# A function in C++ on the custom runtime: its program, its role, whom it listens to, and the alarm when it fails.
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}

locals {
  account = "${data.aws_region.here.name}:${data.aws_caller_identity.here.account_id}"
  log_arn = "arn:${data.aws_partition.here.partition}:logs:${local.account}:log-group:/aws/lambda/${var.name}"

  # What its triggers, its log and its place in the network ask of the role, besides what the program does itself.
  needs = concat(
    [{ actions = ["logs:CreateLogStream", "logs:PutLogEvents"], resources = ["${local.log_arn}:log-stream:*"] }],
    [{ actions = ["sqs:SendMessage"], resources = [var.dead_letter_arn] }],
    length(var.queue_arns) == 0 ? [] : [{
      actions   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      resources = values(var.queue_arns)
    }],
    var.kafka == null ? [] : [
      { actions = ["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"], resources = [var.kafka.cluster_arn] },
      {
        actions   = ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"]
        resources = [var.kafka.cluster_arn]
      },
      {
        actions = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
        resources = [
          for topic in var.kafka.topics : "${replace(var.kafka.cluster_arn, ":cluster/", ":topic/")}/${topic}"
        ]
      },
      {
        actions   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
        resources = ["${replace(var.kafka.cluster_arn, ":cluster/", ":group/")}/${var.kafka.group}"]
      },
    ],
  )

  # Lambda itself makes the addresses; EC2 knows no narrower resource for these. Its poller of Kafka has addresses of its
  # own beside the brokers, and asks first where those are.
  network = concat(
    var.subnet_ids == null && var.kafka == null ? [] : [
      "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
    ],
    var.subnet_ids == null ? [] : ["ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"],
    var.kafka == null ? [] : ["ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"],
  )
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "this" {
  name = "${var.name}-function"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["sts:AssumeRole"]
    }]
  })
}

resource "aws_iam_role_policy" "program" {
  count = length(var.statements) == 0 ? 0 : 1

  name = "program"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [for each in var.statements : { Effect = "Allow", Action = each.actions, Resource = each.resources }]
  })
}

resource "aws_iam_role_policy" "host" {
  name = "host"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for each in local.needs : { Effect = "Allow", Action = each.actions, Resource = each.resources }],
      length(local.network) == 0 ? [] : [{ Effect = "Allow", Action = local.network, Resource = ["*"] }],
    )
  })
}

resource "aws_lambda_function" "this" {
  function_name = var.name
  role          = aws_iam_role.this.arn
  description   = var.description

  package_type  = var.image_uri == null ? "Zip" : "Image"
  image_uri     = var.image_uri
  s3_bucket     = try(var.package.bucket, null)
  s3_key        = try(var.package.key, null)
  runtime       = var.image_uri == null ? "provided.al2023" : null
  handler       = var.image_uri == null ? var.handler : null
  architectures = [var.architecture]
  # Of an image, too, the handler says which function of the program it is.
  dynamic "image_config" {
    for_each = var.image_uri == null ? [] : [var.handler]
    content {
      command = [image_config.value]
    }
  }

  memory_size = var.memory_mb
  timeout     = var.timeout_seconds

  reserved_concurrent_executions = var.concurrency
  kms_key_arn                    = var.kms_key_arn

  environment {
    variables = var.environment
  }

  dead_letter_config {
    target_arn = var.dead_letter_arn
  }

  dynamic "vpc_config" {
    for_each = var.subnet_ids == null ? [] : [var.subnet_ids]
    content {
      subnet_ids         = vpc_config.value
      security_group_ids = var.security_group_ids
    }
  }

  tracing_config {
    mode = "PassThrough"
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  depends_on = [aws_iam_role_policy.host]
}

resource "aws_lambda_permission" "bucket" {
  for_each = var.bucket_arns

  statement_id   = "bucket-${each.key}"
  function_name  = aws_lambda_function.this.function_name
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  source_arn     = each.value
  source_account = data.aws_caller_identity.here.account_id
}

resource "aws_lambda_permission" "topic" {
  for_each = var.topic_arns

  statement_id  = "topic-${each.key}"
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = each.value
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.topic_arns

  topic_arn = each.value
  protocol  = "lambda"
  endpoint  = aws_lambda_function.this.arn
}

# One bad message does not bring back those beside it: the function names the ones that failed.
resource "aws_lambda_event_source_mapping" "queue" {
  for_each = var.queue_arns

  function_name                      = aws_lambda_function.this.arn
  event_source_arn                   = each.value
  batch_size                         = 10
  maximum_batching_window_in_seconds = 1
  function_response_types            = ["ReportBatchItemFailures"]
}

resource "aws_lambda_event_source_mapping" "kafka" {
  count = var.kafka == null ? 0 : 1

  function_name     = aws_lambda_function.this.arn
  event_source_arn  = var.kafka.cluster_arn
  topics            = var.kafka.topics
  starting_position = "TRIM_HORIZON"
  batch_size        = 100

  amazon_managed_kafka_event_source_config {
    consumer_group_id = var.kafka.group
  }

  destination_config {
    on_failure {
      destination_arn = var.dead_letter_arn
    }
  }
}

locals {
  alarms = {
    errors = {
      metric = "Errors", period = 60, of = 5, times = 3
      says   = "fails: its log says why, and what it could not do is in the dead letters."
    }
    throttles = {
      metric = "Throttles", period = 300, of = 1, times = 1
      says   = "is called more often than it may run at once: raise its concurrency."
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${var.name} ${each.value.says}"
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = "Sum"
  period              = each.value.period
  evaluation_periods  = each.value.of
  datapoints_to_alarm = each.value.times
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}
