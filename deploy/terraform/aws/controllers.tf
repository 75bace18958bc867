# Roles of what the cluster runs beside the shop (../aws-cluster installs it), with the least that each needs of AWS. The balancer's controller either registers
# pods with the balancer that Terraform made, and may do nothing else, or makes the one of the Ingress, by that name alone.
locals {
  region_arn  = "${data.aws_partition.here.partition}:%s:${var.region}:${var.account_id}"
  elb         = "arn:${format(local.region_arn, "elasticloadbalancing")}"
  ec2         = "arn:${format(local.region_arn, "ec2")}"
  ingress     = "${local.name}-ingress"
  of_cluster  = { "aws:ResourceTag/elbv2.k8s.aws/cluster" = [module.eks.name] }
  for_cluster = { "aws:RequestTag/elbv2.k8s.aws/cluster" = [module.eks.name] }

  balancer_registers = [
    {
      actions = [
        "ec2:DescribeAvailabilityZones", "ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets", "ec2:DescribeVpcs", "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
      ]
      resources = ["*"]
    },
    {
      actions   = ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"]
      resources = var.alb ? [module.balancer[0].target_group_arn] : ["${local.elb}:targetgroup/k8s-*/*"]
    },
  ]

  # Of the policy that the controller publishes: one application balancer, its listeners and rules, groups of targets and
  # security groups that carry the cluster's tag. Nothing of network balancers, WAF, Shield, Cognito and certificates that
  # it would look for itself.
  balancer_makes = [
    {
      actions = [
        "ec2:DescribeAccountAttributes", "ec2:DescribeInternetGateways", "ec2:DescribeRouteTables", "ec2:DescribeTags",
        "elasticloadbalancing:DescribeCapacityReservation", "elasticloadbalancing:DescribeListenerAttributes",
        "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeSSLPolicies",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
      ]
      resources = ["*"]
    },
    { actions = ["ec2:GetSecurityGroupsForVpc"], resources = ["${local.ec2}:vpc/${module.network.id}"] },
    {
      actions    = ["iam:CreateServiceLinkedRole"]
      resources  = ["arn:${data.aws_partition.here.partition}:iam::${var.account_id}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"]
      conditions = { StringEquals = { "iam:AWSServiceName" = ["elasticloadbalancing.amazonaws.com"] } }
    },
    {
      actions   = ["ec2:CreateSecurityGroup"]
      resources = ["${local.ec2}:security-group/*", "${local.ec2}:vpc/${module.network.id}"]
    },
    {
      actions    = ["ec2:CreateTags"]
      resources  = ["${local.ec2}:security-group/*"]
      conditions = { StringEquals = merge(local.for_cluster, { "ec2:CreateAction" = ["CreateSecurityGroup"] }) }
    },
    {
      actions    = ["ec2:CreateTags", "ec2:DeleteTags"]
      resources  = ["${local.ec2}:security-group/*"]
      conditions = { StringEquals = local.of_cluster, Null = { "aws:RequestTag/elbv2.k8s.aws/cluster" = ["true"] } }
    },
    {
      actions    = ["ec2:AuthorizeSecurityGroupIngress", "ec2:DeleteSecurityGroup", "ec2:RevokeSecurityGroupIngress"]
      resources  = ["${local.ec2}:security-group/*"]
      conditions = { StringEquals = local.of_cluster }
    },
    {
      # The nodes' own, which lets the balancer in.
      actions   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
      resources = ["${local.ec2}:security-group/${module.eks.security_group_id}"]
    },
    {
      actions    = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
      resources  = ["${local.elb}:loadbalancer/app/${local.ingress}/*", "${local.elb}:targetgroup/k8s-*/*"]
      conditions = { StringEquals = local.for_cluster }
    },
    {
      actions    = ["elasticloadbalancing:AddTags"]
      resources  = ["${local.elb}:loadbalancer/app/${local.ingress}/*", "${local.elb}:targetgroup/k8s-*/*"]
      conditions = { StringEquals = merge(local.for_cluster, { "elasticloadbalancing:CreateAction" = ["CreateLoadBalancer", "CreateTargetGroup"] }) }
    },
    {
      actions    = ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"]
      resources  = ["${local.elb}:loadbalancer/app/${local.ingress}/*", "${local.elb}:targetgroup/k8s-*/*"]
      conditions = { StringEquals = local.of_cluster, Null = { "aws:RequestTag/elbv2.k8s.aws/cluster" = ["true"] } }
    },
    {
      actions = [
        "elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:AddTags", "elasticloadbalancing:CreateRule",
        "elasticloadbalancing:DeleteListener", "elasticloadbalancing:DeleteRule", "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule", "elasticloadbalancing:RemoveListenerCertificates",
        "elasticloadbalancing:RemoveTags", "elasticloadbalancing:SetRulePriorities",
      ]
      resources = ["${local.elb}:listener/app/${local.ingress}/*/*", "${local.elb}:listener-rule/app/${local.ingress}/*/*/*"]
    },
    {
      actions   = ["elasticloadbalancing:CreateListener"]
      resources = ["${local.elb}:loadbalancer/app/${local.ingress}/*"]
    },
    {
      actions = [
        "elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup",
        "elasticloadbalancing:ModifyListenerAttributes", "elasticloadbalancing:ModifyLoadBalancerAttributes",
        "elasticloadbalancing:ModifyTargetGroup", "elasticloadbalancing:ModifyTargetGroupAttributes",
        "elasticloadbalancing:SetIpAddressType", "elasticloadbalancing:SetSecurityGroups", "elasticloadbalancing:SetSubnets",
      ]
      resources = [
        "${local.elb}:loadbalancer/app/${local.ingress}/*", "${local.elb}:listener/app/${local.ingress}/*/*",
        "${local.elb}:targetgroup/k8s-*/*",
      ]
      conditions = { StringEquals = local.of_cluster }
    },
  ]

  controller_statements = {
    load_balancer = concat(local.balancer_registers, [for each in local.balancer_makes : each if !var.alb])
    autoscaler = [
      {
        actions = [
          "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
          "autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags",
          "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
        ]
        resources = ["*"]
      },
      { actions = ["eks:DescribeNodegroup"], resources = ["arn:${format(local.region_arn, "eks")}:nodegroup/${module.eks.name}/*"] },
      {
        actions    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
        resources  = ["arn:${format(local.region_arn, "autoscaling")}:autoScalingGroup:*:autoScalingGroupName/eks-*"]
        conditions = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${module.eks.name}" = ["owned"] } }
      },
    ]
  }
  controller_accounts = { load_balancer = "aws-load-balancer-controller", autoscaler = "cluster-autoscaler" }
}

module "controller_identity" {
  source   = "../modules/aws/service-role"
  for_each = { for name, account in local.controller_accounts : name => account if var.controllers[name] }

  name            = "${local.name}-${each.value}"
  identity        = var.identity
  cluster_name    = module.eks.name
  oidc_issuer     = module.eks.oidc_issuer
  namespace       = "kube-system"
  service_account = each.value
  statements      = local.controller_statements[each.key]
}
