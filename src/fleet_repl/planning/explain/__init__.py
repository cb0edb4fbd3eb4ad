"""Explain where an image goes by the inventory, where it does not go, and exactly why. Pure."""

from fleet_repl.planning.explain.decide import (
    EXTERNAL_FACT,
    carrying,
    carrying_prefix,
    explain,
    explain_image,
    not_carried,
    question_of,
    routes_carrying,
)
from fleet_repl.planning.explain.model import (
    Carried,
    Explanation,
    NotCarried,
    Question,
    Reason,
)
from fleet_repl.planning.explain.remedy import apply_command, remedy_of
from fleet_repl.planning.explain.waited import Awaited, AwaitedImage, TagMove, Waited

__all__ = [
    "EXTERNAL_FACT",
    "Awaited",
    "AwaitedImage",
    "Carried",
    "Explanation",
    "NotCarried",
    "Question",
    "Reason",
    "TagMove",
    "Waited",
    "apply_command",
    "carrying",
    "carrying_prefix",
    "explain",
    "explain_image",
    "not_carried",
    "question_of",
    "remedy_of",
    "routes_carrying",
]
