"""Repository creation templates: what ECR gives to repositories that it creates itself.

A template is ours exactly when its description carries the fleet's signature. No other template is
ever changed or removed.
"""

from __future__ import annotations

from fleet_repl.ecr.templates.diff import (
    TemplateChange as TemplateChange,
    TemplatePlan as TemplatePlan,
    plan_templates as plan_templates,
    template_change as template_change,
    template_fault as template_fault,
)
from fleet_repl.ecr.templates.documents import (
    Signature as Signature,
    clearing_hint as clearing_hint,
    template_documents as template_documents,
    update_request as update_request,
)
from fleet_repl.ecr.templates.state import (
    KMS_KEY as KMS_KEY,
    TemplateState as TemplateState,
    parse_stored_template as parse_stored_template,
    parse_template as parse_template,
    template_at as template_at,
)
