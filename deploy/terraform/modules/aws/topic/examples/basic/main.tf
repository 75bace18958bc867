module "notifications" {
  source = "../.."

  emails      = ["shop@example.com"]
  kms_key_arn = "arn:aws:kms:us-east-1:111122223333:key/x"
}
