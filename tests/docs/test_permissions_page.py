"""docs/permissions.md and the code say the same about what a role needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.pages import Page

from fleet_repl.ecr.permissions import (
    Feature,
    account_statements,
    queue_statement,
    state_statements,
)
from fleet_repl.inventory import parse

ROLE, ADDED = "## The role in each account", "### What features add"


def statements(root: Path, pattern: str, *more: Feature) -> list[dict[str, Any]]:
    """What the role of one of the shipped inventories is allowed."""
    inventory = parse(root / f"inventories/patterns/{pattern}.toml", environ={})
    allowed = account_statements(inventory, more=more)
    return [json.loads(json.dumps(item.document(partition="aws"))) for item in allowed]


def shown(page: Page, nth: int) -> list[dict[str, Any]]:
    """The statements of a page's JSON documents."""
    block = [block for block in page.blocks if block.language == "json"][nth]
    statements: list[dict[str, Any]] = json.loads(block.text)["Statement"]
    return statements


def listed(statement: dict[str, Any]) -> set[str]:
    actions = statement["Action"]
    return {actions} if isinstance(actions, str) else set(actions)


def test_the_page_shows_the_role_of_a_plain_fleet(root: Path, pages: dict[str, Page]) -> None:
    """Statement by statement, but for the one that its own section explains."""
    plain = statements(root, "hub-and-spoke")
    assert shown(pages["docs/permissions.md"], 0) == [
        item for item in plain if item["Sid"] != "OwnPermissions"
    ]


def test_the_page_lists_what_each_feature_adds(root: Path, pages: dict[str, Page]) -> None:
    """A row for each further statement, with its actions and no others."""
    page = pages["docs/permissions.md"]
    plain = {item["Sid"] for item in shown(page, 0)}
    every = statements(root, "creation-templates", *Feature)
    rows = {
        sid.strip("`"): set(re.findall(r"`([a-z0-9]+:\w+)`", actions))
        for _, sid, actions in page.table(ADDED)
    }
    assert rows == {item["Sid"]: listed(item) for item in every if item["Sid"] not in plain}


def test_the_page_on_templates_shows_what_they_add(root: Path, pages: dict[str, Page]) -> None:
    """For templates with a lifecycle policy and a role."""
    plain = {statement["Sid"] for statement in statements(root, "hub-and-spoke")}
    added = [
        statement
        for statement in statements(root, "creation-templates")
        if statement["Sid"] not in plain
    ]
    assert shown(pages["docs/templates.md"], 0) == added


def test_the_page_shows_what_a_state_in_a_bucket_takes(pages: dict[str, Page]) -> None:
    """For a location with a prefix."""
    allowed = state_statements("example-fleet-state/prod")
    documents = [json.loads(json.dumps(item.document(partition="aws"))) for item in allowed]
    assert shown(pages["docs/permissions.md"], 3) == documents


def test_the_page_shows_what_a_queue_takes(pages: dict[str, Page]) -> None:
    """As the hint of a denied read does."""
    statement = queue_statement("arn:aws:sqs:eu-west-1:111111111111:deliveries")
    assert shown(pages["docs/permissions.md"], -1) == [statement.document(partition="aws")]
