# Disks of pods are made by the driver of EBS, which alone may take this role.
locals {
  issuer  = trimprefix(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")
  volumes = jsonencode({ controller = { extraVolumeTags = var.tags } })
}

resource "aws_iam_role" "volumes" {
  name        = "${var.name}-volumes"
  description = "kube-system/ebs-csi-controller-sa"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.this.arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = "system:serviceaccount:kube-system:ebs-csi-controller-sa"
      } }
    }]
  })
}

# AWS' own for it: only volumes and snapshots that carry the driver's tag.
resource "aws_iam_role_policy_attachment" "volumes" {
  role       = aws_iam_role.volumes.name
  policy_arn = "arn:${data.aws_partition.here.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}
