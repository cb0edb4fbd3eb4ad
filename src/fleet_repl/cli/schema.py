"""`fleet-repl schema`: the JSON Schemas of what the tool reads and writes. Offline."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.options import CommonOptions
from fleet_repl.reports.documents.schemas import schema as published
from fleet_repl.reports.documents.writer import json_text
from fleet_repl.values.exit_code import ExitCode


class Document(StrEnum):
    INVENTORY = "inventory"
    PLAN = "plan"
    REPORT = "report"
    GRAPH = "graph"
    DELIVERY = "delivery"
    BACKFILL = "backfill"
    RUNS = "runs"
    ROUND = "round"
    VALIDATE = "validate"
    DOCTOR = "doctor"
    ACCOUNTS = "accounts"
    EXPLAIN = "explain"
    COVERAGE = "coverage"
    DELIVERY_NEWS = "delivery-news"


def schema(
    call: Call[CommonOptions],
    *,
    document: Annotated[
        Document, typer.Argument(metavar="DOCUMENT", help="Whose schema.")
    ] = Document.INVENTORY,
) -> ExitCode:
    """Editors use the inventory's to complete and check; automation can rely on the others.

    Example: fleet-repl schema > fleet-repl.schema.json
    """
    is_inventory = document is Document.INVENTORY
    json_schema = call.backend.inventory_schema() if is_inventory else published(document.value)
    call.streams.emit(json_text(json_schema))
    return ExitCode.OK
