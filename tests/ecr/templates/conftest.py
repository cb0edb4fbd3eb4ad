"""Templates, a registry, and the sandbox's idea of what becomes of them there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st
from tests.support.registries import registry_of

from fleet_repl.ecr.templates import Signature, TemplatePlan, update_request
from fleet_repl.inventory import Selector, Template
from fleet_repl.inventory.roles import RoleTemplate
from fleet_repl.sandbox.shapes import read
from fleet_repl.sandbox.templates import created, updated
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import Partition, Registry

Apply = Callable[[Iterable[JsonObject], TemplatePlan], tuple[JsonObject, ...]]

_PREFIXES = ("ROOT", "base", "base/team", "golden", "x")
_RULES = [
    {
        "rulePriority": priority,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
        "action": {"type": "expire"},
    }
    for priority in (1, 2)
]
_LIFECYCLE = (json.dumps({"rules": _RULES}), json.dumps({"rules": _RULES[:1]}))
_STATEMENTS = [
    {"Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    for sid in ("a", "b")
]
_POLICIES = (json.dumps({"Statement": _STATEMENTS}), json.dumps({"Statement": _STATEMENTS[0]}))
_KEY = "arn:aws:kms:{region}:{account}:key/mrk-1"


@st.composite
def _template(draw: st.DrawFn, prefix: str) -> Template:
    mutability = draw(
        st.sampled_from(
            ("mutable", "immutable", "mutable-with-exclusion", "immutable-with-exclusion")
        )
    )
    exclusions = st.sets(st.sampled_from(("latest", "dev-*", "v*")), min_size=1)
    encryption = draw(st.sampled_from(("aes256", "kms", "kms-dsse")))
    tags = draw(st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")))
    role = RoleTemplate(partition=Partition.AWS, path="ecr", account=None)
    needs_role = bool(tags) or encryption != "aes256"
    return Template(
        name=draw(st.sampled_from(("one", "two"))),
        prefix=prefix,
        select=Selector(),
        tag_mutability=mutability,  # type: ignore[arg-type]
        tag_mutability_exclusions=(
            tuple(sorted(draw(exclusions))) if mutability.endswith("exclusion") else ()
        ),
        encryption=encryption,  # type: ignore[arg-type]
        kms_key=None if encryption == "aes256" else draw(st.sampled_from((None, _KEY))),
        lifecycle_policy=draw(st.sampled_from((None, *_LIFECYCLE))),
        repository_policy=draw(st.sampled_from((None, *_POLICIES))),
        tags=tags,
        role=role if needs_role else draw(st.sampled_from((None, role))),
        applied_for=draw(
            st.sampled_from((("replication",), ("create-on-push", "pull-through-cache")))
        ),
    )


@pytest.fixture(scope="session")
def some_templates() -> st.SearchStrategy[tuple[Template, ...]]:
    """Templates of one registry: no prefix twice."""
    prefixes = st.sets(st.sampled_from(_PREFIXES))
    return prefixes.flatmap(lambda chosen: st.tuples(*map(_template, sorted(chosen))))


@pytest.fixture(scope="session")
def registry() -> Registry:
    return registry_of("2")


@pytest.fixture(scope="session")
def ours() -> Signature:
    return Signature(fleet="prod", formerly=("old",))


@pytest.fixture(scope="session")
def theirs() -> Signature:
    return Signature(fleet="another")


@pytest.fixture(scope="session")
def applied(registry: Registry) -> Apply:
    """Templates as the sandbox tells of them once a plan was carried out there."""
    now = datetime(2026, 11, 23, tzinfo=UTC)

    def applied(present: Iterable[JsonObject], plan: TemplatePlan) -> tuple[JsonObject, ...]:
        there = {str(item["prefix"]): item for item in present}
        for change in plan.changes:
            prefix = change.prefix
            if change.after.document is None:
                del there[prefix]
            elif change.before.document is None:
                assert prefix not in there
                there[prefix] = created(
                    read(change.after.document, "CreateRepositoryCreationTemplateRequest"),
                    registry,
                    now,
                )
            else:
                request = read(
                    update_request(change.before.document, change.after.document),
                    "UpdateRepositoryCreationTemplateRequest",
                )
                there[prefix] = updated(there[prefix], request, registry, now)
        return tuple(there.values())

    return applied
