"""Resources of registries that another tool manages: what Terraform and CloudFormation hold.

Pure. Two tools that write the same document undo each other's work, so an import marks what is held
elsewhere, and a plan warns of it.
"""

from fleet_repl.planning.elsewhere.model import HeldResource as HeldResource, Holder as Holder
from fleet_repl.planning.elsewhere.plan_warnings import (
    managed_elsewhere as managed_elsewhere,
    maybe_in_stacks as maybe_in_stacks,
)
from fleet_repl.planning.elsewhere.removed_blocks import removed_blocks as removed_blocks
from fleet_repl.planning.elsewhere.stacks import held_by_stacks as held_by_stacks
from fleet_repl.planning.elsewhere.terraform_state import (
    StateFileError as StateFileError,
    parse_terraform_state as parse_terraform_state,
)
