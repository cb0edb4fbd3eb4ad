"""Texts from outside are inert in a page: they are neither markup nor controls of direction."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given, settings, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.html import html_pieces
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.text import is_plain

HOSTILE = "</script><script>alert(1)</script><img src=//evil onerror=x>\u202e\x1b[31m{{ 7 * 7 }}"


class _Outline(HTMLParser):
    """The elements of a page, their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def outline(subject: Plan | Report | BackfillReport) -> _Outline:
    parser = _Outline()
    parser.feed("".join(html_pieces(subject)))
    parser.close()
    return parser


def check(subject: Plan | Report | BackfillReport) -> None:
    page = outline(subject)
    assert [page.tags.count(tag) for tag in ("script", "style", "img", "meta")] == [1, 1, 0, 5]
    names = {name for name, _ in page.attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"style", "src"})
    assert {value for name, value in page.attributes if name == "href"} == {"data:,", "#registries"}
    assert all(is_plain(line) for text in page.texts for line in text.split("\n"))
    assert all(is_plain(value or "") for _, value in page.attributes)


@settings(max_examples=30)
@given(data=st.data())
def test_a_plan_of_any_names(data: DataObject, plans: SearchStrategy[Plan]) -> None:
    """Whatever its texts are, a page has the same kinds of elements, and no hidden character."""
    check(data.draw(plans))


@settings(max_examples=30)
@given(data=st.data())
def test_a_report_of_any_names(data: DataObject, reports: SearchStrategy[Report]) -> None:
    """So has that of a run."""
    check(data.draw(reports))


@settings(max_examples=30)
@given(data=st.data())
def test_backfills_of_any_names(
    data: DataObject, backfill_reports: SearchStrategy[BackfillReport]
) -> None:
    """And that of backfills."""
    check(data.draw(backfill_reports))


def test_a_name_of_markup_is_shown_as_it_is(plan: Plan) -> None:
    """It is text, with its hidden characters in a spelling that can be seen."""
    registry = replace(plan.registries[0], name=HOSTILE)
    hostile = replace(plan, fleet=HOSTILE, registries=(registry, *plan.registries[1:]))
    check(hostile)
    shown = HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")
    assert outline(hostile).texts.count(shown) >= 3


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone(plan: Plan) -> None:
    """By their digests: nothing can be loaded, and no other script can run."""
    html = "".join(html_pieces(plan))
    digests = {}
    for element in ("style", "script"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        digest = hashlib.sha256(text.encode()).digest()
        digests[element] = f"'sha256-{base64.b64encode(digest).decode()}'"
    attributes = dict(outline(plan).attributes)
    (policy,) = re.findall(r'Security-Policy" content="([^"]+)"', html)
    assert attributes
    assert policy.replace("&#39;", "'") == (
        f"default-src 'none'; style-src {digests['style']}; script-src {digests['script']}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
