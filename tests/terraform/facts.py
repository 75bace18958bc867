"""What the clouds would say, for the schema providers: the few answers that the configuration or the drift test looks at.

`{name}` is the resource's own name. The account, the project and the regions are those of documentation.
"""
ACCOUNT = "111122223333"
REGION = "us-east-1"
PROJECT = "example-project"
ISSUER = "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"


def arn(service, rest, region=REGION, account=ACCOUNT):
    return f"arn:aws:{service}:{region}:{account}:{rest}"


AWS = {
    # Data sources.
    "aws_caller_identity": {"account_id": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:role/deployer"},
    "aws_region": {"name": REGION, "id": REGION},
    "aws_partition": {"partition": "aws", "dns_suffix": "amazonaws.com"},
    "aws_availability_zones": {"names": [f"{REGION}{zone}" for zone in "abcdef"]},
    "aws_ec2_managed_prefix_list": {"id": "pl-1a2b3c4d"},
    # Resources whose ARN a policy names.
    "aws_dynamodb_table": {"arn": arn("dynamodb", "table/{name}"), "id": "{name}"},
    "aws_s3_bucket": {"arn": "arn:aws:s3:::{name}", "id": "{name}", "bucket_regional_domain_name": "{name}.s3.amazonaws.com"},
    "aws_sqs_queue": {"arn": arn("sqs", "{name}"), "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{{name}}"},
    "aws_sns_topic": {"arn": arn("sns", "{name}")},
    "aws_iam_role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/{{name}}", "id": "{name}"},
    "aws_iam_openid_connect_provider": {"arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER.removeprefix('https://')}"},
    "aws_msk_cluster": {
        "arn": arn("kafka", "cluster/{name}/0a1b2c3d-0000-0000-0000-000000000000-1"),
        "bootstrap_brokers_tls": "b-1.{name}.invalid:9094,b-2.{name}.invalid:9094,b-3.{name}.invalid:9094",
        "bootstrap_brokers_sasl_iam": "b-1.{name}.invalid:9098,b-2.{name}.invalid:9098,b-3.{name}.invalid:9098",
        "bootstrap_brokers_sasl_scram": "b-1.{name}.invalid:9096,b-2.{name}.invalid:9096,b-3.{name}.invalid:9096",
        "bootstrap_brokers_public_sasl_scram": "b-1-public.{name}.invalid:9196,b-2-public.{name}.invalid:9196",
    },
    "aws_secretsmanager_secret": {"arn": arn("secretsmanager", "secret:{name}-AbCdEf")},
    "aws_ecr_repository": {"arn": arn("ecr", "repository/{name}")},
    "aws_lambda_function": {"arn": arn("lambda", "function:{name}")},
    "aws_cloudwatch_log_group": {"arn": arn("logs", "log-group:{name}")},
    "aws_eks_cluster": {"arn": arn("eks", "cluster/{name}"), "identity.oidc.issuer": ISSUER},
    "aws_db_instance": {"endpoint": "{name}.invalid:5432", "address": "{name}.invalid"},
    "aws_lb_target_group": {"arn": arn("elasticloadbalancing", "targetgroup/{name}/0123456789abcdef")},
    "aws_vpn_connection": {"tunnel1_address": "198.51.100.1", "tunnel2_address": "198.51.100.2"},
}
GOOGLE = {
    "google_project": {"number": "123456789012", "project_id": PROJECT},
    "google_service_account": {"email": f"{{name}}@{PROJECT}.iam.gserviceaccount.com", "unique_id": "100000000000000000001"},
    "google_storage_bucket": {"url": "gs://{name}"},
}
FACTS = {"aws": AWS, "google": GOOGLE, "helm": {}}
