output "releases" {
  description = "What was installed, with its version."
  value = { for each in concat(helm_release.load_balancer, helm_release.external_secrets, helm_release.autoscaler) :
    each.name => each.version
  }
}
