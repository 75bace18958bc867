# The bucket is made by ../state. The lock is a file beside the state.
bucket       = "ecommerce-terraform-state-111122223333"
key          = "shop/dev-cluster.tfstate"
region       = "us-east-1"
encrypt      = true
kms_key_id   = "alias/ecommerce-terraform-state" # without it the state is encrypted, but not with the bucket's key
use_lockfile = true
