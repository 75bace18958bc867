mock_provider "helm" {}

run "argo_cd_alone" {
  command = plan

  assert {
    condition     = helm_release.argocd.create_namespace && length(helm_release.root) == 0 && !yamldecode(helm_release.argocd.values[0]).configs.cm["admin.enabled"]
    error_message = "no application, and no built-in administrator"
  }
}

run "with_the_application_of_all_applications" {
  command = plan
  variables {
    root_application = { repository = "https://git.example/shop.git" }
  }

  assert {
    condition     = yamldecode(helm_release.root[0].values[0]).applications["ecommerce-app-of-apps"].source.path == "deploy/argocd"
    error_message = "the folder in Git is named"
  }
}

run "settings_reach_the_chart" {
  command = plan
  variables {
    settings = {
      cm            = { "admin.enabled" = "true", "timeout.reconciliation" = "180s" }
      rbac          = { "policy.default" = "" }
      notifications = { "service.webhook.x" = "url: x", "template.a" = "b", "trigger.c" = "d", subscriptions = "- recipients: [x]" }
    }
  }

  assert {
    condition     = yamldecode(helm_release.argocd.values[0]).configs.cm == { "admin.enabled" = false, "exec.enabled" = false, "timeout.reconciliation" = "180s" } && yamldecode(helm_release.argocd.values[0]).configs.rbac["policy.default"] == ""
    error_message = "as they are given, but for who may log in"
  }
  assert {
    condition     = yamldecode(helm_release.argocd.values[0]).notifications == { notifiers = { "service.webhook.x" = "url: x" }, templates = { "template.a" = "b" }, triggers = { "trigger.c" = "d" }, subscriptions = [{ recipients = ["x"] }] }
    error_message = "sorted as the chart wants them"
  }
}

run "a_tag_that_moves" {
  command = plan
  variables {
    image_tag = "latest"
  }
  expect_failures = [var.image_tag]
}

run "charts_from_nowhere" {
  command = plan
  variables {
    repository = "charts"
  }
  expect_failures = [var.repository]
}

run "a_range_of_versions" {
  command = plan
  variables {
    chart_version = "~> 9.0"
  }
  expect_failures = [var.chart_version]
}

run "a_range_of_versions_of_the_other_chart" {
  command = plan
  variables {
    apps_chart_version = "2"
  }
  expect_failures = [var.apps_chart_version]
}

run "no_replica" {
  command = plan
  variables {
    replicas = 0
  }
  expect_failures = [var.replicas]
}

run "example" {
  command = plan
  module {
    source = "./examples/basic"
  }
}
