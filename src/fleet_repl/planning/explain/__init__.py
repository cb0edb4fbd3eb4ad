"""Explain where an image goes by the inventory, where it does not go, and exactly why. Pure."""

from fleet_repl.planning.explain.decide import explain, explain_image, not_carried, question_of
from fleet_repl.planning.explain.model import (
    Carried,
    Explanation,
    NotCarried,
    Question,
    Reason,
)
from fleet_repl.planning.explain.remedy import remedy_of

__all__ = [
    "Carried",
    "Explanation",
    "NotCarried",
    "Question",
    "Reason",
    "explain",
    "explain_image",
    "not_carried",
    "question_of",
    "remedy_of",
]
