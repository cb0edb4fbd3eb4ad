"""Answers in pages: all of them, every field of every item, and never without an end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from fleet_repl.engine.repository_names import repository_names
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.aws import AwsRegistries

WHOLE = {"registryId": "000000000001"}
LISTS = [
    ("DescribeRepositoryCreationTemplates", "read_templates", (), "repositoryCreationTemplates"),
    ("ListReplicationBackfills", "list_backfills", (), "backfills"),
    ("DescribeReplicationBackfillResults", "backfill_results", ("id",), "results"),
    ("DescribeRepositories", "describe_repositories", (), "repositories"),
    ("DescribeImages", "describe_images", ("base/app",), "imageDetails"),
]
each_list = pytest.mark.parametrize(("operation", "method", "arguments", "member"), LISTS)


async def ask(registries: AwsRegistries, edge: Edge, method: str, *arguments: str) -> Any:
    """The whole list, page by page where that is how the port gives it."""
    answer = getattr(registries, method)(edge.registry(), *arguments)
    if isinstance(answer, AsyncIterator):
        return tuple([item async for page in answer for item in page])
    return await answer


@each_list
async def test_every_page_and_every_field(
    edge: Edge, operation: str, method: str, arguments: tuple[str, ...], member: str
) -> None:
    """A page may be empty and not the last; fields that the SDK does not know are kept."""
    items: list[Any] = [{"tomorrow": {"a": [None, 0.5]}, "createdAt": 1.5}, {"second": True}]
    edge.aws.script(
        operation,
        edge.aws.reply({**WHOLE, member: [items[0]], "nextToken": "one"}),
        edge.aws.reply({**WHOLE, member: [], "nextToken": "two"}),
        edge.aws.refuse("ThrottlingException"),
        edge.aws.reply({**WHOLE, member: [items[1]], "nextToken": None}),
    )
    async with edge.open() as registries:
        listed = await ask(registries, edge, method, *arguments)
    assert listed == tuple(items)
    asked = [call.parameters for call in edge.aws.calls(operation)]
    assert [item.get("nextToken") for item in asked] == [None, "one", "two", "two"]
    assert len({item["maxResults"] for item in asked}) == 1


@each_list
async def test_a_list_is_never_read_from_half_an_answer(
    edge: Edge, operation: str, method: str, arguments: tuple[str, ...], member: str
) -> None:
    """An answer without it would read as "nothing there"; it is asked for again."""
    bad: list[Any] = [None, "text", {}, ["text"], [{}, None]]
    halves = [WHOLE, *({**WHOLE, member: item} for item in bad)]
    for half in ("<html>sign in</html>", *map(json.dumps, halves)):
        edge.aws.script(operation, edge.aws.say(half), edge.aws.reply({**WHOLE, member: [{}]}))
    async with edge.open() as registries:
        for calls in range(2, 16, 2):
            assert await ask(registries, edge, method, *arguments) == ({},)
            assert len(edge.aws.calls(operation)) == calls


@each_list
async def test_pages_that_lead_back_are_garbage(
    edge: Edge, operation: str, method: str, arguments: tuple[str, ...], member: str
) -> None:
    """A token that was told before would be followed for ever."""

    def page(token: object) -> Any:
        return edge.aws.reply({**WHOLE, member: [], "nextToken": token})

    edge.aws.script(operation, page("one"), page("two"), *[page("one")] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await ask(registries, edge, method, *arguments)
    fault = caught.value.fault
    assert (fault.kind, fault.message) == (FaultKind.SERVICE, "the answer's pages do not end")
    assert len(edge.aws.calls(operation)) == 6


async def test_a_page_of_images_is_read_when_it_is_wanted(edge: Edge) -> None:
    """Not before: a repository of a hundred thousand images is never held as a whole."""
    pages = [[{"imageDigest": "sha256:a"}], [{"imageDigest": "sha256:b"}]]
    edge.aws.script(
        "DescribeImages",
        edge.aws.reply({"imageDetails": pages[0], "nextToken": "one"}),
        edge.aws.reply({"imageDetails": pages[1]}),
    )
    async with edge.open() as registries:
        read = registries.describe_images(edge.registry(), "base/app")
        for number, page in enumerate(pages, start=1):
            assert await anext(read) == tuple(page)
            assert len(edge.aws.calls("DescribeImages")) == number
        assert [item async for item in read] == []


@pytest.mark.parametrize(
    ("operation", "method", "member", "most"),
    [
        (
            "DescribeRepositoryCreationTemplates",
            "read_templates",
            "repositoryCreationTemplates",
            50,
        ),
        ("ListReplicationBackfills", "list_backfills", "backfills", 200),
    ],
)
async def test_ever_new_tokens_come_to_an_end(
    edge: Edge, operation: str, method: str, member: str, most: int
) -> None:
    """Whoever makes them up is not AWS. A run with the lock waits for these lists."""
    pages = [edge.aws.reply({**WHOLE, member: [], "nextToken": str(n)}) for n in range(most + 9)]
    edge.aws.script(operation, *pages)
    async with edge.open() as registries:
        with pytest.raises(CallError, match="the answer's pages do not end"):
            await getattr(registries, method)(edge.registry())
    assert len(edge.aws.calls(operation)) == most + 4


async def test_a_token_is_a_text(edge: Edge) -> None:
    """Anything else is no page's end either."""
    answer = edge.aws.reply({"repositories": [{}], "nextToken": {"at": 1}})
    edge.aws.script("DescribeRepositories", answer, edge.aws.reply({"repositories": []}))
    async with edge.open() as registries:
        assert await registries.describe_repositories(edge.registry()) == ()


@each_list
@pytest.mark.parametrize("place", ["answer", "item"])
async def test_a_list_of_another_account_is_an_error(
    edge: Edge, operation: str, method: str, arguments: tuple[str, ...], member: str, place: str
) -> None:
    """Where an answer or one of its items names an account, it has to be the one meant."""
    other = {"registryId": "000000000009"}
    document = {**other, member: []} if place == "answer" else {member: [other]}
    edge.aws.script(operation, edge.aws.reply(document))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await ask(registries, edge, method, *arguments)
    assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT


@pytest.mark.parametrize("nameless", [{}, {"repositoryName": None}, {"repositoryName": ""}])
async def test_a_repository_without_a_name_is_not_left_out(
    edge: Edge, nameless: dict[str, Any]
) -> None:
    """Rules that follow from the names of all repositories would be made without that one."""
    listed = [{"repositoryName": "base/go"}, nameless]
    edge.aws.script("DescribeRepositories", edge.aws.reply({**WHOLE, "repositories": listed}))
    async with edge.open() as registries:
        with pytest.raises(CallError, match="a repository without a name"):
            await repository_names(edge.registry(), registries)
