# What is in the cluster before any manifest of the shop: controllers and Argo CD, by Helm. A composition and a state of its own,
# because its plan asks the cluster's API, which is inside the network; that of ../aws asks AWS alone.
#
# It knows the cluster by its name, and reads no other state.
locals {
  name = "${var.resource_prefix}${var.project}"

  tags = {
    Environment = var.environment
    Project     = var.project
    ManagedBy   = "terraform"
    CreatedAt   = var.created_at
  }

  accounts = { load_balancer = "aws-load-balancer-controller", autoscaler = "cluster-autoscaler" }
}

data "aws_eks_cluster" "this" {
  name = "${local.name}-eks"
}

# One that is missing is said here, and not by pods that wait.
data "aws_iam_role" "controller" {
  for_each = { for name, account in local.accounts : name => account if var.controllers[name] }

  name = "${local.name}-${each.value}"
}

module "controllers" {
  source = "../modules/aws/controllers"

  cluster_name = data.aws_eks_cluster.this.name
  region       = var.region
  identity     = var.identity
  tags         = local.tags
  load_balancer = !var.controllers.load_balancer ? null : {
    role_arn = data.aws_iam_role.controller["load_balancer"].arn
    vpc_id   = data.aws_eks_cluster.this.vpc_config[0].vpc_id
  }
  external_secrets = var.controllers.external_secrets ? {} : null
  autoscaler = !var.controllers.autoscaler ? null : {
    role_arn = data.aws_iam_role.controller["autoscaler"].arn
  }
}

module "argocd" {
  source = "../modules/aws/argocd"
  count  = var.argocd ? 1 : 0

  # The same, whether Helm or kubectl installs it.
  settings = { for name, file in { cm = "cm", params = "cmd-params-cm", rbac = "rbac-cm", notifications = "notifications-cm" } :
    name => yamldecode(file("${path.module}/../../argocd/install/argocd-${file}.yaml")).data
  }

  root_application = var.gitops_repository == null ? null : {
    repository = var.gitops_repository
    path       = "deploy/argocd/environments/${var.environment}"
  }

  # What it brings asks for resources and balancers that these define.
  depends_on = [module.controllers]
}
