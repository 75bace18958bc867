module "argocd" {
  source = "../.."

  root_application = { repository = "https://git.example/shop.git" }
}
