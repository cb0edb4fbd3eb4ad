"""Repository creation templates: what ECR gives to repositories that it creates itself.

A template is ours exactly when its description carries the fleet's signature. No other template is
ever changed or removed.
"""

from __future__ import annotations

from fleet_repl.ecr.templates.diff import (
    TemplateChange,
    TemplatePlan,
    plan_templates,
    template_change,
    template_fault,
)
from fleet_repl.ecr.templates.documents import (
    Signature,
    clearing_hint,
    template_documents,
    update_request,
)
from fleet_repl.ecr.templates.state import (
    TemplateState,
    parse_stored_template,
    parse_template,
    template_at,
)

__all__ = [
    "Signature",
    "TemplateChange",
    "TemplatePlan",
    "TemplateState",
    "clearing_hint",
    "parse_stored_template",
    "parse_template",
    "plan_templates",
    "template_at",
    "template_change",
    "template_documents",
    "template_fault",
    "update_request",
]
