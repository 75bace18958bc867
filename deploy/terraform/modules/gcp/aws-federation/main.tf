# Roles of AWS as identities of Google: who has such a role there may act as a service account here, without a key.
# (The other way, a service account that takes a role in AWS, needs nothing here: its token is signed by Google.)
resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project_id
  workload_identity_pool_id = var.name
  display_name              = "Roles of AWS"
}

resource "google_iam_workload_identity_pool_provider" "aws" {
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = "aws"
  display_name                       = "AWS ${var.aws_account_id}"

  attribute_mapping = {
    "google.subject"     = "assertion.arn"
    "attribute.aws_role" = "assertion.arn.extract('assumed-role/{role}/')"
  }
  attribute_condition = "attribute.aws_role in [${join(", ", [for each in keys(var.roles) : "'${each}'"])}]"

  aws {
    account_id = var.aws_account_id
  }
}

resource "google_service_account_iam_member" "this" {
  for_each = var.roles

  service_account_id = each.value
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.this.name}/attribute.aws_role/${each.key}"
}
