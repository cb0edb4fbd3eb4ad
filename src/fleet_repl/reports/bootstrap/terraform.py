"""A Terraform module that makes the role in every account, by a StackSet.

A provider of Terraform reaches one account and takes no for_each, so no module can make a role in
each account of a list by itself.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from fleet_repl.reports.bootstrap.cloudformation import stack_set_name
from fleet_repl.reports.bootstrap.comments import (
    bullets,
    commented,
    external_id_variable,
    external_ids,
    left_out,
    others,
    paragraph,
    roles_in_words,
)
from fleet_repl.reports.bootstrap.model import AccountRole, Bootstrap
from fleet_repl.reports.bootstrap.template import template_text
from fleet_repl.reports.hcl import escaped, listed, quoted

_HEAD: Final = """\
terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.70"
    }
  }
}
"""
_CALL_AS: Final = """\
variable "call_as" {
  description = "SELF in the management account, DELEGATED_ADMIN in a delegated administrator's."
  type        = string
  default     = "SELF"
}

variable "in_this_account" {
  description = "Whether this account gets the role too, as StackSets skip the management account."
  type        = bool
  default     = false
}
"""
_STACK_SETS: Final = """\
resource "aws_cloudformation_stack_set" "role" {
  for_each = local.roles

  name             = each.key
  permission_model = "SERVICE_MANAGED"
  call_as          = var.call_as
  capabilities     = ["CAPABILITY_NAMED_IAM"]
  template_body    = local.template
  parameters       = each.value.parameters

  auto_deployment {
    enabled                          = each.value.automatic
    retain_stacks_on_account_removal = each.value.automatic ? false : null
  }

  operation_preferences {
    failure_tolerance_percentage = 10
    max_concurrent_percentage    = 25
  }

  lifecycle {
    # AWS fills it in.
    ignore_changes = [administration_role_arn]
  }
}

resource "aws_cloudformation_stack_set_instance" "units" {
  for_each = var.organizational_units

  stack_set_name = aws_cloudformation_stack_set.role[local.main].name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = [each.value]
    account_filter_type     = length(local.excluded) > 0 ? "DIFFERENCE" : null
    accounts                = length(local.excluded) > 0 ? local.excluded : null
  }

  lifecycle {
    # A change would take the role away from every account for as long as it is made anew.
    ignore_changes = [
      deployment_targets[0].account_filter_type,
      deployment_targets[0].accounts,
    ]
  }
}
"""
_LISTED: Final = """\
resource "aws_cloudformation_stack_set_instance" "accounts" {
  for_each = merge([
    for name, role in local.roles : { for account in role.accounts : account => name }
  ]...)

  stack_set_name = aws_cloudformation_stack_set.role[each.value].name
  call_as        = var.call_as

  deployment_targets {
    organizational_unit_ids = var.organizational_units
    account_filter_type     = "INTERSECTION"
    accounts                = [each.key]
  }

  lifecycle {
    ignore_changes = [deployment_targets[0].organizational_unit_ids]
  }
}
"""
_THIS_ACCOUNT: Final = """\
resource "aws_cloudformation_stack" "this_account" {
  count = var.in_this_account ? 1 : 0

  name          = local.main
  capabilities  = ["CAPABILITY_NAMED_IAM"]
  template_body = local.template
  parameters    = local.roles[local.main].parameters
}
"""


def terraform_text(bootstrap: Bootstrap) -> str:
    """The module, in one file. The bootstrap has at least one role."""
    parts = (
        f"{commented(_comments(bootstrap))}\n",
        _HEAD,
        *_variables(bootstrap),
        _CALL_AS,
        _locals(bootstrap),
        _STACK_SETS,
        *((_LISTED,) if bootstrap.roles[1:] else ()),
        _THIS_ACCOUNT,
    )
    return "\n".join(parts)


def _variables(bootstrap: Bootstrap) -> Iterator[str]:
    principal = bootstrap.principal
    yield _variable(
        "principal",
        "The ARN of the identity that assumes the role.",
        "string",
        None if principal is None else quoted(principal),
    )
    yield _variable(
        "organizational_units",
        "Ids of the organizational units, or of the root, whose accounts get the role.",
        "set(string)",
        listed(bootstrap.units) if bootstrap.units else None,
    )
    for name, owners in _external_ids(bootstrap).items():
        yield _variable(name, f"The external id of {owners}.", "string", sensitive=True)


def _variable(
    name: str, description: str, kind: str, default: str | None = None, *, sensitive: bool = False
) -> str:
    lines = [f"  description = {quoted(description)}", f"  type        = {kind}"]
    if default is not None:
        lines.append(f"  default     = {default}")
    if sensitive:
        lines.append("  sensitive   = true")
    return "\n".join((f'variable "{name}" {{', *lines, "}", ""))


def _locals(bootstrap: Bootstrap) -> str:
    main = bootstrap.roles[0]
    template = textwrap.indent(template_text(bootstrap), "    ")
    lines = [
        f"  main = {quoted(stack_set_name(bootstrap, 0))}",
        "",
        "  # Accounts within the units that do not get the main role, when a unit is added.",
        f"  excluded = {listed(others(bootstrap, main))}",
        "",
        "  # A StackSet for each. The main one goes to every account of the units, the others to",
        "  # their accounts.",
        "  roles = {",
        *(
            line
            for position, role in enumerate(bootstrap.roles)
            for line in _role(bootstrap, role, position)
        ),
        "  }",
        "",
        "  template = <<-YAML",
        f"{escaped(template)}  YAML",
    ]
    return "\n".join(("locals {", *lines, "}", ""))


def _role(bootstrap: Bootstrap, role: AccountRole, position: int) -> Iterator[str]:
    values = {"Principal": "var.principal"}
    if len(bootstrap.paths) > 1:
        values["WhichRole"] = quoted(role.path)
    if role.external_id is not None:
        values["ExternalId"] = f"var.{external_id_variable(role.external_id).lower()}"
    width = max(map(len, values))
    yield f"    {quoted(stack_set_name(bootstrap, position))} = {{"
    yield f"      automatic = {'true' if position == 0 else 'false'}"
    yield f"      accounts  = {listed(role.accounts if position else ())}"
    yield "      parameters = {"
    yield from (f"        {key:<{width}} = {value}" for key, value in values.items())
    yield "      }"
    yield "    }"


def _external_ids(bootstrap: Bootstrap) -> dict[str, str]:
    """The variables for external ids that roles of accounts ask for, and whose each of them is."""
    asked = {role.external_id for role in bootstrap.roles}
    return {
        external_id_variable(number).lower(): owners
        for number, owners in external_ids(bootstrap).items()
        if number in asked
    }


def _comments(bootstrap: Bootstrap) -> Iterator[str]:
    yield from paragraph(
        f"The {roles_in_words(bootstrap)}, which fleet-repl assumes in each account of the fleet "
        f"{bootstrap.fleet}. The module allows what the inventory uses now: print it again when "
        "that changes."
    )
    yield from paragraph(
        "A provider reaches one account and takes no for_each. So the module is used once, in the "
        "organization's management account or in a delegated administrator's, and makes a "
        "StackSet: every account of the units gets the role, and so does each that joins later. "
        "Save it as fleet-repl-role/main.tf:"
    )
    yield from _example(bootstrap)
    yield from paragraph("What this does not reach:")
    yield from bullets(left_out(bootstrap))


def _example(bootstrap: Bootstrap) -> Iterator[str]:
    values = {"source": quoted("./fleet-repl-role")}
    if bootstrap.principal is None:
        values["principal"] = quoted(f"arn:{bootstrap.partition}:iam::111122223333:role/platform")
    if not bootstrap.units:
        values["organizational_units"] = listed(["r-abcd"])
    values |= {name: f"var.{name}" for name in _external_ids(bootstrap)}
    width = max(map(len, values))
    yield '#   module "fleet_repl_role" {'
    yield from (f"#     {key:<{width}} = {value}" for key, value in values.items())
    yield "#   }"
    yield "#"
