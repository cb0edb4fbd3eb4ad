"""The set-up of a fleet's roles, as text: for CloudFormation, for Terraform, or the bare policies.

Pure: an inventory in, text out. What is needed is decided in `model`, what is allowed in
`fleet_repl.ecr.permissions`; the three ways to write it down decide nothing. No text holds a
secret.
"""

from fleet_repl.reports.bootstrap.cloudformation import cloudformation_text
from fleet_repl.reports.bootstrap.iam import iam_document
from fleet_repl.reports.bootstrap.model import Bootstrap, bootstrap_of
from fleet_repl.reports.bootstrap.terraform import terraform_text

__all__ = [
    "Bootstrap",
    "bootstrap_of",
    "cloudformation_text",
    "iam_document",
    "terraform_text",
]
