output "releases" {
  description = "What was installed, with its version."
  value       = module.controllers.releases
}

output "argocd" {
  description = "Namespace of Argo CD; null: it is not installed."
  value       = one(module.argocd[*].namespace)
}
