# What the manifests expect of a cluster before any of them is there: who registers pods with the balancer, who fetches
# secrets, who adds nodes. Measures, names and disks are add-ons of EKS (modules/aws/eks); the rest comes by Argo CD.
locals {
  role = { for name, each in { balancer = var.load_balancer, autoscaler = var.autoscaler } : name =>
    each == null || var.identity == "pod_identity" ? {} : { "eks.amazonaws.com/role-arn" = each.role_arn }
  }
}

resource "helm_release" "load_balancer" {
  count = var.load_balancer == null ? 0 : 1

  name       = "aws-load-balancer-controller"
  namespace  = "kube-system"
  repository = "https://aws.github.io/eks-charts"
  chart      = "aws-load-balancer-controller"
  version    = var.load_balancer.chart_version
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    clusterName = var.cluster_name
    # Nodes do not tell pods where they are (one hop of metadata).
    region         = var.region
    vpcId          = var.load_balancer.vpc_id
    replicaCount   = 2
    serviceAccount = { create = true, name = "aws-load-balancer-controller", annotations = local.role.balancer }
    defaultTags    = var.tags
    # Its role may not use what is not asked for, and Services of type LoadBalancer stay what they are.
    enableShield                = false
    enableWaf                   = false
    enableWafv2                 = false
    enableServiceMutatorWebhook = false
    createIngressClassResource  = true
    podDisruptionBudget         = { maxUnavailable = 1 }
    resources                   = { requests = { cpu = "50m", memory = "128Mi" }, limits = { memory = "256Mi" } }
  })]
}

# Its stores name their own accounts (deploy/kubernetes/components/secrets-aws): it has no role, and reads for one namespace
# at a time.
resource "helm_release" "external_secrets" {
  count = var.external_secrets == null ? 0 : 1

  name             = "external-secrets"
  namespace        = "external-secrets"
  create_namespace = true
  repository       = "https://charts.external-secrets.io"
  chart            = "external-secrets"
  version          = var.external_secrets.chart_version
  atomic           = true
  timeout          = 600

  values = [yamlencode({
    installCRDs                  = true
    replicaCount                 = 2
    leaderElect                  = true
    processClusterExternalSecret = false
    processClusterPushSecret     = false
    processClusterStore          = false
    podDisruptionBudget          = { enabled = true, minAvailable = 1 }
    resources                    = { requests = { cpu = "20m", memory = "96Mi" }, limits = { memory = "256Mi" } }
    webhook                      = { replicaCount = 2 }
  })]

  # The balancer's controller answers for every new Service: it is there first, or the Service waits for it.
  depends_on = [helm_release.load_balancer]
}

resource "helm_release" "autoscaler" {
  count = var.autoscaler == null ? 0 : 1

  name       = "cluster-autoscaler"
  namespace  = "kube-system"
  repository = "https://kubernetes.github.io/autoscaler"
  chart      = "cluster-autoscaler"
  version    = var.autoscaler.chart_version
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    cloudProvider = "aws"
    awsRegion     = var.region
    # EKS tags the groups of its nodes with the cluster's name.
    autoDiscovery = { clusterName = var.cluster_name }
    rbac          = { serviceAccount = { create = true, name = "cluster-autoscaler", annotations = local.role.autoscaler } }
    extraArgs     = { balance-similar-node-groups = true, skip-nodes-with-system-pods = false, expander = "least-waste" }
    resources     = { requests = { cpu = "50m", memory = "256Mi" }, limits = { memory = "512Mi" } }
  })]

  depends_on = [helm_release.load_balancer]
}
