"""Templates: [[templates]] as core values, checked one by one.

Whether two of them meet on one registry, and whether a role or key fits the registries that
are selected, is for `topology` to say.
"""

from __future__ import annotations

from typing import Final, cast, get_args

from fleet_repl import limits
from fleet_repl.inventory import schema
from fleet_repl.inventory.attachments import Attachments
from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.json_texts import PolicyKind, Unfit, policy_text
from fleet_repl.inventory.model import AppliedFor, Selector, Template
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.roles import BASE_IDENTITY, Refusal, RoleTemplate, parse_template
from fleet_repl.inventory.selectors import Selectors
from fleet_repl.inventory.spelling import quoted
from fleet_repl.inventory.template_texts import (
    check_prefix,
    check_tags,
    plain_prefix,
    resolve_exclusions,
    resolve_kms_key,
)
from fleet_repl.inventory.texts import MISSING, check_own_name
from fleet_repl.names import Partition

LONGEST_NAME: Final = 128
"""Characters; the name stands in the template's description, with the fleet's name and mark."""

_LIFECYCLE: Final = PolicyKind(longest=limits.LIFECYCLE_POLICY, needs="rules")
_REPOSITORY: Final = PolicyKind(longest=limits.REPOSITORY_POLICY, needs="Statement")
_ROLE_EXAMPLE: Final = 'write role = "ecr-template-role": a role in the same account'


def resolve_templates(
    tables: list[schema.TemplateTable] | None,
    selectors: Selectors,
    partition: Partition | None,
    attachments: Attachments,
    findings: Findings,
) -> tuple[Template, ...]:
    """Every template, in the file's order."""
    resolver = _Resolver(selectors, partition, attachments, findings)
    return tuple(resolver.template(index, table) for index, table in enumerate(tables or ()))


class _Resolver:
    def __init__(
        self,
        selectors: Selectors,
        partition: Partition | None,
        attachments: Attachments,
        findings: Findings,
    ) -> None:
        self._selectors = selectors
        self._partition = partition
        self._attachments = attachments
        self._findings = findings
        self._names: dict[str, KeyPath] = {}

    def template(self, index: int, table: schema.TemplateTable) -> Template:
        where: KeyPath = ("templates", index)
        check_own_name((*where, "name"), table.name, self._names, "template", self._findings)
        if table.name is not None and len(table.name) > LONGEST_NAME:
            fault = f"must be at most {LONGEST_NAME} characters long"
            self._findings.tell((*where, "name"), fault)
        if table.prefix is None:
            self._findings.tell(
                (*where, "prefix"), MISSING, remedy='write prefix = "ROOT" for every repository'
            )
        check_prefix((*where, "prefix"), table.prefix, self._findings)
        check_tags((*where, "tags"), table.tags or {}, self._findings)
        return Template(
            name=table.name or "",
            prefix=plain_prefix(table.prefix or ""),
            select=self._select((*where, "select"), table.select),
            tag_mutability=table.tag_mutability or "mutable",
            tag_mutability_exclusions=resolve_exclusions(where, table, self._findings),
            encryption=table.encryption or "aes256",
            kms_key=resolve_kms_key(where, table, self._partition, self._findings),
            lifecycle_policy=self._policy(
                index,
                "lifecycle_policy",
                table.lifecycle_policy,
                table.lifecycle_policy_file,
                _LIFECYCLE,
            ),
            repository_policy=self._policy(
                index,
                "repository_policy",
                table.repository_policy,
                table.repository_policy_file,
                _REPOSITORY,
            ),
            tags=table.tags or {},
            role=self._role(where, table),
            applied_for=self._applied_for((*where, "applied_for"), table.applied_for),
        )

    def _select(self, path: KeyPath, table: schema.SelectorTable | None) -> Selector:
        if table is not None:
            return self._selectors.select(path, table)
        self._findings.tell(path, MISSING, remedy="write select = {} for every registry")
        return Selector()

    def _policy(
        self, index: int, key: str, inline: str | None, file: str | None, kind: PolicyKind
    ) -> str | None:
        """The policy's text, from the inventory itself or from the file that it names."""
        where: KeyPath = ("templates", index)
        if inline is not None and file is not None:
            self._findings.tell((*where, f"{key}_file"), f"cannot stand beside {key}: write one")
            return None
        path, text = (*where, key), inline
        if file is not None:
            path, text = (*where, f"{key}_file"), self._attachments.text(index, key, file)
        if text is None or self._findings.about(path):
            return None
        policy = policy_text(text, kind)
        if isinstance(policy, Unfit):
            self._findings.tell(path, policy.message)
            return None
        return policy

    def _role(self, where: KeyPath, table: schema.TemplateTable) -> RoleTemplate | None:
        path = (*where, "role")
        if table.role is None:
            self._check_without_role(path, table)
            return None
        if table.role == BASE_IDENTITY:
            self._findings.tell(
                path,
                "is no role: ECR cannot be the base identity",
                remedy="leave it out for ECR's service-linked role",
            )
            return None
        if self._partition is None:
            return None
        role = parse_template(table.role, self._partition)
        if isinstance(role, Refusal):
            self._findings.tell(path, role.message, remedy=role.remedy)
            return None
        return role

    def _check_without_role(self, path: KeyPath, table: schema.TemplateTable) -> None:
        """ECR's own role can neither tag repositories nor use KMS keys."""
        needing = ["tags"] if table.tags else []
        if table.encryption not in (None, "aes256"):
            needing.append(f"encryption = {quoted(table.encryption)}")
        if needing:
            fault = f"{MISSING}, and ECR needs one for {' and '.join(needing)}"
            self._findings.tell(path, fault, remedy=_ROLE_EXAMPLE)

    def _applied_for(self, path: KeyPath, texts: list[str] | None) -> tuple[AppliedFor, ...]:
        known = get_args(AppliedFor)
        if texts is None:
            return ("replication",)
        for index, text in enumerate(texts):
            if text not in known:
                words = [quoted(one) for one in known]
                self._findings.tell(
                    (*path, index), f"must be {', '.join(words[:-1])} or {words[-1]}"
                )
            elif text in texts[:index]:
                self._findings.tell((*path, index), "is in the list twice")
        return cast(tuple[AppliedFor, ...], tuple(sorted(texts)))
