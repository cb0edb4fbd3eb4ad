"""Repository creation templates: what ECR gives to repositories that it creates itself.

The law of this package: a template is ours exactly when its description carries the fleet's
mark, and nothing else is ever changed or removed. Pure: documents in, documents and faults out.
"""

from __future__ import annotations

from fleet_repl.ecr.templates.diff import (
    RefusedChange,
    TemplateChange,
    TemplatePlan,
    plan_templates,
)
from fleet_repl.ecr.templates.documents import Signature, template_documents
from fleet_repl.ecr.templates.requests import clearing_hint, update_request
from fleet_repl.ecr.templates.state import TemplateState, parse_template, template_at

__all__ = [
    "RefusedChange",
    "Signature",
    "TemplateChange",
    "TemplatePlan",
    "TemplateState",
    "clearing_hint",
    "parse_template",
    "plan_templates",
    "template_at",
    "template_documents",
    "update_request",
]
