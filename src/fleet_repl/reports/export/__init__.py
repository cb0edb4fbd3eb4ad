"""What is in place, as resources of Terraform or CloudFormation: for whoever takes a fleet over."""

from fleet_repl.reports.export.cloudformation import (
    cloudformation_files as cloudformation_files,
)
from fleet_repl.reports.export.model import (
    Exported as Exported,
    RegistryContent as RegistryContent,
    contents_of as contents_of,
    file_name as file_name,
    left_out_of as left_out_of,
    registry_of as registry_of,
    unreadable_in as unreadable_in,
)
from fleet_repl.reports.export.terraform import terraform_files as terraform_files
