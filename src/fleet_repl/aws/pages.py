"""Lists that AWS returns in pages: their shape, and one page after the other.

Whoever makes the call for a page passes how; what a page must hold is decided here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, TypeVar

from fleet_repl.aws.answers import body, check_account, objects, texts
from fleet_repl.aws.faults import garbage
from fleet_repl.aws.request import Answer, Call
from fleet_repl.values.canonical_json import JsonObject

T = TypeVar("T")

Reader: TypeAlias = Callable[[Answer, Call], T]
"""Turns an answer into a value, or raises CallError for an answer that is not AWS's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedList:
    """A list that AWS returns in pages."""

    member: str
    """The member of an answer that holds the items."""
    page_size: int | None
    """The most items that AWS returns in a page (its service model); None: it takes no number."""
    most_pages: int
    """A longer list is taken to be endless: no deadline would end it, and all items are kept."""
    texts: tuple[str, ...] = ()
    """Members that every item has to have, each a text."""
    capitalized: bool = False
    """True if the service spells its members with a capital: `NextToken`, `MaxResults`."""
    names: tuple[str, str, str] = ("maxResults", "nextToken", "nextToken")
    """The members for the number of items, for the token in a request, and in an answer."""
    of_texts: bool = False
    """True if the items are texts; each is then an object with the text under `text`."""
    empty_with: str | None = None
    """A member whose presence shows that an answer without the list means an empty list. None:
    the list must be there."""

    def spelled(self, member: str) -> str:
        """A member such as `nextToken` as the service spells it."""
        return f"{member[0].upper()}{member[1:]}" if self.capitalized else member


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The items of a page."""

    items: tuple[JsonObject, ...]
    next_token: str | None
    """The token that asks for the next page; None in the last page."""


async def pages_of(
    listing: PagedList,
    parameters: Mapping[str, object],
    read: Callable[[Reader[Page], Mapping[str, object]], Awaitable[Page]],
) -> AsyncIterator[tuple[JsonObject, ...]]:
    """The items of one page after the other; `read` makes the call for a page. A page may hold
    nothing and still lead on."""
    tokens: set[str] = set()
    reader = partial(_read_page, listing, tokens)
    page_parameters = {**parameters}
    if listing.page_size is not None:
        page_parameters[listing.spelled(listing.names[0])] = listing.page_size
    while True:
        page = await read(reader, page_parameters)
        yield page.items
        if page.next_token is None:
            return
        tokens.add(page.next_token)
        page_parameters = {**page_parameters, listing.spelled(listing.names[1]): page.next_token}


def _read_page(listing: PagedList, tokens: Collection[str], answer: Answer, call: Call) -> Page:
    """The page in an answer. `tokens`: the tokens of the earlier pages."""
    document = body(answer, call)
    items: tuple[JsonObject, ...]
    if listing.of_texts:
        items = tuple({"text": text} for text in texts(document, listing.member, answer, call))
    else:
        items = objects(document, listing.member, answer, call, empty_with=listing.empty_with)
    for item in items:
        check_account(item, answer, call)
        for text in listing.texts:
            if not isinstance(item.get(text), str):
                because = f"the answer's {listing.member} have no {text}"
                raise garbage(call, because, answer.request_id)
    member = listing.spelled(listing.names[2])
    token = document.get(member) or None
    if token is not None and not isinstance(token, str):
        raise garbage(call, f"the answer's {member} is no text", answer.request_id)
    if token in tokens or len(tokens) >= listing.most_pages:
        raise garbage(call, "the answer's pages do not end", answer.request_id)
    return Page(items=items, next_token=token)
