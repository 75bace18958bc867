"""What is installed in the cluster by Helm, and what its roles may: of the published policies the least, in versions that go together."""
import copy
import json
import re
import subprocess
from pathlib import Path

import drift
import published
import pytest
import schema_check
import yaml

ARGOCD = schema_check.ROOT / "deploy/argocd"
BALANCER = "ecommerce-aws-load-balancer-controller"
# Of the published policy what the controller is not given, and why.
LEFT_OUT = {
    r"(waf-regional|wafv2|shield):.*|elasticloadbalancing:SetWebAcl": "switched off in the chart's values",
    r"cognito-idp:.*": "nobody signs in at the balancer",
    r"acm:.*|iam:(List|Get)ServerCertificate.*": "the Ingress names its certificate, which is not looked for",
    r"ec2:.*Coip.*|ec2:DescribeIpamPools|elasticloadbalancing:ModifyIpPools": "no addresses of one's own",
    r"ec2:DescribeVpcPeeringConnections": "targets are in this network",
    r"ec2:DescribeAddresses": "application balancers have no fixed addresses",
    r"elasticloadbalancing:DescribeTrustStores": "clients show no certificates",
    r"elasticloadbalancing:ModifyCapacityReservation": "no capacity is reserved",
}


def statements(state, role):
    found = [values["policy"] for _, values in drift.resources(state)["aws_iam_role_policy"] if values["role"] == role]
    assert found, f"{role} has no policy"
    return [each for policy in found for each in json.loads(policy)["Statement"]]


@pytest.fixture(scope="module")
def allowed():
    return published.policy()


@pytest.mark.parametrize("environment", ["prod", "prod-ingress"])
def test_the_balancers_controller_may_nothing_that_is_not_published(applied, allowed, environment):
    assert not published.beyond(statements(applied["aws", environment].state, BALANCER), allowed)


def actions(some):
    return {action for each in some for action in published.listed(each["Action"])}


def test_what_of_the_published_policy_is_left_out_has_a_reason(applied, allowed):
    missing = actions(allowed) - actions(statements(applied["aws", "prod-ingress"].state, BALANCER))
    unexplained = {each for each in missing if not any(re.fullmatch(pattern, each) for pattern in LEFT_OUT)}
    assert not unexplained
    assert all(any(re.fullmatch(pattern, each) for each in missing) for pattern in LEFT_OUT), "a reason that nothing needs"


def test_beside_a_balancer_of_terraform_it_registers_pods_and_no_more(applied):
    state = applied["aws", "prod"].state
    changing = [each for each in statements(state, BALANCER) if not all(":Describe" in action for action in each["Action"])]
    (group,) = [values["arn"] for _, values in drift.resources(state)["aws_lb_target_group"]]
    assert changing == [{"Action": ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"], "Effect": "Allow", "Resource": [group]}]


def test_the_autoscaler_changes_groups_of_this_cluster_alone(applied):
    for environment, prefix in (("prod", ""), ("dev", "dev-")):
        found = statements(applied["aws", environment].state, f"{prefix}ecommerce-cluster-autoscaler")
        changing = [each for each in found if not all(":Describe" in action for action in each["Action"])]
        assert [each["Condition"] for each in changing] == [{"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{prefix}ecommerce-eks": ["owned"]}}]
        assert actions(changing) == {"autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"}


@pytest.mark.parametrize("change", [
    lambda each: each["Action"].append("elasticloadbalancing:CreateTrustStore"),
    lambda each: each.update(Resource=["*"]),
    lambda each: each.pop("Condition"),
    lambda each: each.update(Condition={"StringEquals": {"aws:RequestTag/other": ["x"]}}),
])
def test_a_planted_permission_is_found(applied, allowed, change):
    ours = copy.deepcopy(statements(applied["aws", "prod-ingress"].state, BALANCER))
    (one,) = [each for each in ours if "elasticloadbalancing:AddTags" in each["Action"] and "CreateAction" in json.dumps(each)]
    assert not published.beyond([one], allowed)
    change(one)
    assert published.beyond([one], allowed)


def releases(applied, environment="prod"):
    state = applied["aws-cluster", environment].state
    return {values["name"]: (values, yaml.safe_load(values["values"][0])) for _, values in drift.resources(state)["helm_release"]}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_an_account_of_a_chart_is_the_one_that_may_take_its_role(applied, environment):
    state = applied["aws", environment].state
    arn = {values["arn"]: values["name"] for _, values in drift.resources(state)["aws_iam_role"]}
    trusted = drift.service_accounts(state)
    found = releases(applied, environment)
    assert {"aws-load-balancer-controller", "external-secrets", "cluster-autoscaler", "argocd"} <= set(found)
    for name, account in (("aws-load-balancer-controller", found["aws-load-balancer-controller"][1]["serviceAccount"]),
                          ("cluster-autoscaler", found["cluster-autoscaler"][1]["rbac"]["serviceAccount"])):
        role = arn[account["annotations"]["eks.amazonaws.com/role-arn"]]
        assert trusted[role] == f"system:serviceaccount:{found[name][0]['namespace']}:{account['name']}"


def test_charts_are_of_versions_that_go_together(applied):
    state = applied["aws", "prod"].state
    found = {name: values["version"] for name, (values, _) in releases(applied).items()}
    assert found["aws-load-balancer-controller"] == published.version_of("aws-loadbalancer-controller"), "its policy is that version's"
    (cluster,) = [values["version"] for _, values in drift.resources(state)["aws_eks_cluster"]]
    of_kubernetes = dict(re.findall(r'V(\d_\d+)\.version, "([\d.]+)"', published.addon("cluster-autoscaler")))
    assert found["cluster-autoscaler"] == of_kubernetes[cluster.replace(".", "_")]
    # The definitions that the manifests are checked against.
    definitions = (schema_check.ROOT / "deploy/tools/crds.bash").read_text()
    assert f"external-secrets/external-secrets@v{found['external-secrets']}:" in definitions
    there = yaml.safe_load((ARGOCD / "environments/prod-gke/external-secrets.yaml").read_text())["spec"]["source"]
    assert there["targetRevision"] == found["external-secrets"]
    ours = releases(applied)["external-secrets"][1]
    assert all(ours[name] == value for name, value in there["helm"]["valuesObject"].items()), "the same on both clouds"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_who_installs_charts_may(applied, environment):
    """The cluster's maker has no rights in it: without an entry of its own nothing is installed."""
    state = applied["aws", environment].state
    (cluster,) = [values for _, values in drift.resources(state)["aws_eks_cluster"]]
    assert cluster["access_config"][0]["bootstrap_cluster_creator_admin_permissions"] is False
    given = applied["aws", environment].plan["variables"]["deployer_role_arn"]["value"]
    assert ("AmazonEKSClusterAdminPolicy", given) in {
        (values["policy_arn"].rsplit("/", 1)[1], values["principal_arn"]) for _, values in drift.resources(state)["aws_eks_access_policy_association"]}


def test_what_waits_for_nodes_is_made_after_them(applied):
    """An add-on whose pods find no node is waited for until Terraform gives up; nodes without the network's are not ready."""
    calls = applied["aws", "prod"].plan["configuration"]["root_module"]["module_calls"]
    made = {each["address"]: each.get("depends_on", []) for each in calls["eks"]["module"]["resources"]}
    assert "aws_eks_addon.node" in made["aws_eks_node_group.this"] and "aws_eks_addon.this" not in made["aws_eks_node_group.this"]
    assert made["aws_eks_addon.this"] == ["aws_eks_node_group.this"]
    assert not made["aws_eks_addon.node"]
    inside = applied["aws-cluster", "prod"].plan["configuration"]["root_module"]
    assert inside["module_calls"]["argocd"]["depends_on"] == ["module.controllers"]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_what_is_installed_goes_into_the_cluster_that_the_other_composition_makes(applied, environment):
    """The compositions know each other by names alone."""
    asked = [each for each in applied["aws-cluster", environment].state["root_module"]["resources"] if each["mode"] == "data"]
    (cluster,) = [each["values"]["name"] for each in asked if each["type"] == "aws_eks_cluster"]
    roles = {each["values"]["name"] for each in asked if each["type"] == "aws_iam_role"}
    made = drift.resources(applied["aws", environment].state)
    assert [cluster] == [values["name"] for _, values in made["aws_eks_cluster"]]
    assert len(roles) == 2 and roles <= {values["name"] for _, values in made["aws_iam_role"]}
    charts = releases(applied, environment)
    assert charts["aws-load-balancer-controller"][1]["clusterName"] == charts["cluster-autoscaler"][1]["autoDiscovery"]["clusterName"] == cluster


def test_argo_cd_is_the_same_by_helm_and_by_kubectl(applied):
    values = releases(applied)["argocd"][1]
    kept = {name: yaml.safe_load((ARGOCD / f"install/argocd-{name}.yaml").read_text())["data"] for name in ("cm", "cmd-params-cm", "rbac-cm", "notifications-cm")}
    assert f"/argo-cd/{values['global']['image']['tag']}/manifests/install.yaml" in (ARGOCD / "install/kustomization.yaml").read_text()
    assert values["configs"]["rbac"] == kept["rbac-cm"]
    text = lambda some: {name: str(value).lower() if isinstance(value, bool) else value for name, value in some.items()}  # noqa: E731
    assert text(values["configs"]["cm"]) == {**kept["cm"], "exec.enabled": "false"}
    assert text(values["configs"]["params"]) == {**kept["cmd-params-cm"], "server.insecure": "false"}
    told = values["notifications"]
    assert {**told["notifiers"], **told["templates"], **told["triggers"]} == {name: each for name, each in kept["notifications-cm"].items() if name != "subscriptions"}
    assert told["subscriptions"] == yaml.safe_load(kept["notifications-cm"]["subscriptions"])


def test_the_first_application_is_the_environments(applied):
    assert "ecommerce-app-of-apps" not in releases(applied), "no repository is named"
    for environment in ("dev", "prod"):
        assert (ARGOCD / "environments" / environment / "kustomization.yaml").is_file()


def test_lokis_chart_has_the_bucket_and_the_role_that_are_there(applied):
    state = applied["aws", "prod"].state
    values = yaml.safe_load((ARGOCD / "charts/loki.yaml").read_text())["spec"]["source"]["helm"]["valuesObject"]
    (role,) = [each for _, each in drift.resources(state)["aws_iam_role"] if each["arn"] == values["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"]]
    assert drift.service_accounts(state)[role["name"]] == "system:serviceaccount:monitoring:loki"
    (bucket,) = set(values["loki"]["storage"]["bucketNames"].values())
    assert bucket in {each["bucket"] for _, each in drift.resources(state)["aws_s3_bucket"]}
    allowed = drift.policies(state)[role["name"]]
    assert {resource for action, resource in allowed if action.startswith("s3:")} == {f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"}
    assert {action for action, _ in allowed} == {"s3:ListBucket", "s3:DeleteObject", "s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey"}


def tool(name):
    said = subprocess.run([schema_check.ROOT / "deploy/tools/tool.sh", "path", name], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    return Path(said.stdout.strip())


def rendered(values):
    """The chart of External Secrets with these values, by Helm: from the program's own module, without its part for another store."""
    said = subprocess.run([tool("helm") / "helm", "template", "external-secrets", tool("crds") / "install/external-secrets",
                           "--namespace", "external-secrets", "--kube-version", "1.34.0", "--values", "-"],
                          input=json.dumps(values), capture_output=True, text=True)
    return said, [each for each in yaml.safe_load_all(said.stdout) if each]


def test_the_chart_of_external_secrets_takes_our_values(applied):
    values = releases(applied)["external-secrets"][1]
    said, made = rendered(values)
    assert said.returncode == 0, said.stderr
    replicas = {each["metadata"]["name"]: each["spec"]["replicas"] for each in made if each["kind"] == "Deployment"}
    assert replicas == {"external-secrets": 2, "external-secrets-webhook": 2, "external-secrets-cert-controller": 1}
    (main,) = [each for each in made if each["kind"] == "Deployment" and each["metadata"]["name"] == "external-secrets"]
    (container,) = main["spec"]["template"]["spec"]["containers"]
    assert {"--enable-leader-election=true", "--enable-cluster-store-reconciler=false", "--enable-cluster-external-secret-reconciler=false"} <= set(container["args"])
    assert container["resources"]["limits"] == {"memory": "256Mi"} and container["securityContext"]["readOnlyRootFilesystem"]
    assert [each["spec"]["minAvailable"] for each in made if each["kind"] == "PodDisruptionBudget"] == [1]
    (account,) = [each for each in made if each["kind"] == "ServiceAccount" and each["metadata"]["name"] == "external-secrets"]
    assert "eks.amazonaws.com/role-arn" not in (account["metadata"].get("annotations") or {}), "its stores have the roles"


@pytest.mark.parametrize("change", [{"replicaCount": "two"}, {"podDisruptionBudget": {"enabled": "yes"}}])
def test_values_that_the_chart_does_not_take_are_refused(applied, change):
    values = {**releases(applied)["external-secrets"][1], **change}
    assert rendered(values)[0].returncode != 0
