module "network" {
  source = "../.."

  name = "ecommerce"
  nat  = "single"
}
