"""The test cases of an explanation: each registry that an image gets to, or does not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from fleet_repl.planning.explain import Carried, Explanation, NotCarried, Reason
from fleet_repl.reports.junit_verdicts import Case, Verdict, case_name
from fleet_repl.runs.delivery import DeliveryState

_ELEMENTS: Final[Mapping[Reason, Literal["failure", "error", "skipped"]]] = {
    Reason.UNREADABLE: "error",
    Reason.NO_RULE: "failure",
    Reason.NOT_GRANTED: "failure",
}
"""Of the reasons that are no decision of the inventory's."""


def explained_cases(explanation: Explanation) -> list[Case]:
    """Returns a case for each link that carries the image, failed where it has not arrived, and
    for each registry that it does not get to: failed where a rule or a grant is missing, and
    `skipped` where the inventory sends it elsewhere."""
    remedy = tuple((explanation.remedy or "").splitlines())
    links: tuple[Carried | NotCarried, ...] = (*explanation.carried, *explanation.not_carried)
    return [Case(name=_name(explanation, link), verdict=_verdict(link, remedy)) for link in links]


def _name(explanation: Explanation, link: Carried | NotCarried) -> str:
    source, destination = (
        case_name(end, explanation.names.get(end.account, end.account))
        for end in (link.source, link.destination)
    )
    return f"{explanation.image} from {source} to {destination}"


def _verdict(link: Carried | NotCarried, remedy: tuple[str, ...]) -> Verdict | None:
    if isinstance(link, NotCarried):
        element = _ELEMENTS.get(link.reason, "skipped")
        lines = (*link.facts, *(() if element == "skipped" else remedy))
        return Verdict(element=element, kind=link.reason, message=link.because, lines=lines)
    if link.status is None or not DeliveryState(link.status).is_short:
        return None
    lines = (*link.facts, *remedy)
    return Verdict(element="failure", kind=link.status, message=f"it is {link.status}", lines=lines)
