"""Answers that come in pages: every item as it came over the wire, and an end to them.

Pure: who asks for a page is told what to ask next. A page that lacks its list is no page, and
neither is one that leads back to where its reader has been.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fleet_repl.aws.answers import body, check_account, objects
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.values.canonical_json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list that ECR gives in pages."""

    member: str
    """Where the items stand in an answer."""
    page_size: int
    """The most that ECR gives at once (its service model)."""
    most_pages: int
    """What is longer has no end: no deadline ends it, and the items of all pages are kept."""
    empty_with: str | None = None
    """A member by which an answer without any list can be told: ECR leaves this one out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    items: tuple[JsonObject, ...]
    next_token: str | None
    """What the next page is asked with; None after the last one."""


def read_page(listing: Listing, tokens: Collection[str], answer: Answer, call: Call) -> Page:
    """The page in an answer, of the account that was meant. `tokens`: those of earlier pages."""
    document = body(answer, call)
    items = objects(document, listing.member, answer, call, empty_with=listing.empty_with)
    for item in items:
        check_account(item, answer, call)
    token = document.get("nextToken") or None
    if token is not None and not isinstance(token, str):
        raise garbage(call, "the answer's nextToken is no text", answer.request_id)
    if token in tokens or len(tokens) >= listing.most_pages:
        raise garbage(call, "the answer's pages do not end", answer.request_id)
    return Page(items=items, next_token=token)
