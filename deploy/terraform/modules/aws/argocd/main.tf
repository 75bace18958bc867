# Argo CD, and the one Application that brings all the others. From there on what runs in the cluster is decided in Git;
# Terraform makes no other object of Kubernetes.
locals {
  notifications = var.settings.notifications
}

resource "helm_release" "argocd" {
  name             = "argocd"
  namespace        = "argocd"
  create_namespace = true
  repository       = var.repository
  chart            = "argo-cd"
  version          = var.chart_version
  atomic           = true
  timeout          = 900

  values = [yamlencode({
    global = { domain = var.host, image = { tag = var.image_tag } }
    configs = {
      params = merge(var.settings.params, { "server.insecure" = false })
      cm     = merge(var.settings.cm, { "exec.enabled" = false, "admin.enabled" = var.admin })
      rbac   = var.settings.rbac
    }
    notifications = {
      notifiers     = { for name, each in local.notifications : name => each if startswith(name, "service.") }
      templates     = { for name, each in local.notifications : name => each if startswith(name, "template.") }
      triggers      = { for name, each in local.notifications : name => each if startswith(name, "trigger.") }
      subscriptions = yamldecode(lookup(local.notifications, "subscriptions", "[]"))
    }
    controller = { replicas = 1 }
    server     = { replicas = var.replicas }
    repoServer = { replicas = var.replicas }
  })]
}

resource "helm_release" "root" {
  count = var.root_application == null ? 0 : 1

  name       = "ecommerce-app-of-apps"
  namespace  = "argocd"
  repository = var.repository
  chart      = "argocd-apps"
  version    = var.apps_chart_version

  values = [yamlencode({
    applications = {
      ecommerce-app-of-apps = {
        namespace   = "argocd"
        project     = "default"
        source      = { repoURL = var.root_application.repository, targetRevision = var.root_application.revision, path = var.root_application.path }
        destination = { server = "https://kubernetes.default.svc", namespace = "argocd" }
        syncPolicy  = { automated = { prune = true, selfHeal = true } }
      }
    }
  })]

  depends_on = [helm_release.argocd]
}
