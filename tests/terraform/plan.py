"""`./dev terraform plan CLOUD ENVIRONMENT`: the plan against the provider's schema, as Terraform prints it."""
import sys
import tempfile

import schema_check


def main(cloud, environment):
    with tempfile.TemporaryDirectory() as scratch:
        workspace = schema_check.Workspace(f"{scratch}/w")
        try:
            workspace.init(cloud)
            print(workspace.terraform(cloud, "plan", "-input=false", "-no-color", f"-var-file=environments/{environment}.tfvars"))
        except schema_check.Failed as failed:
            print(failed.said, file=sys.stderr)
            return 1
    print("Planned against the provider's schema, offline; accounts and addresses are those of environments/"
          f"{environment}.tfvars. What AWS or Google's cloud would refuse by its own rules is not seen (docs/terraform.md).")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
