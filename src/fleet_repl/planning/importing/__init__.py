"""Importing: what is in place → an inventory that asks for exactly that.

Pure: an observation and the text of a file in, the text of an inventory out. Its law: planning
what was imported changes nothing, and what no route can stand for is listed, never dropped.
"""

from __future__ import annotations

from fleet_repl.planning.importing.left_out import LeftOut as LeftOut
from fleet_repl.planning.importing.result import Imported as Imported, imported as imported
