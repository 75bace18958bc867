# The rules that come with tflint, all of them. Those for AWS and Google are plug-ins, which tflint fetches by itself
# (tflint --init) where it may: docs/terraform.md.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Modules have a file for versions; the compositions keep their parts by subject.
rule "terraform_standard_module_structure" {
  enabled = false
}

# Local modules are pinned by the commit that they stand in; examples and states have no variables of their own.
rule "terraform_required_version" {
  enabled = false
}

rule "terraform_required_providers" {
  enabled = false
}
