module "code" {
  source = "../.."

  project_id = "example-project"
  name       = "ecommerce-flink-code-example-project"
}
