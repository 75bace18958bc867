module "cluster" {
  source = "../.."

  subnet_ids  = ["subnet-1", "subnet-2", "subnet-3"]
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
  access = {
    operators = {
      principal_arn = "arn:aws:iam::111122223333:role/operators"
      policy        = "AmazonEKSViewPolicy"
      groups        = ["stoa:support"]
    }
  }
}
