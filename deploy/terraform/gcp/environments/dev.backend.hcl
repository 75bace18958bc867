# The bucket is made by ../state.
bucket = "ecommerce-terraform-state-example-project"
prefix = "shop/dev"
