"""Documents as Markdown for a comment: what it says and leaves out, and that names are inert."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.support.changes import change_of, ended_change

from fleet_repl.planning.change import Action, HeldLink, LinkEnd, Phase, Resource
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan, State, Warning
from fleet_repl.reports.documents.whole import Documented
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.markdown.escape import LONGEST, code, prose, table
from fleet_repl.reports.markdown.page import MOST
from fleet_repl.reports.render import render
from fleet_repl.runs.outcomes import BackfillReport, Outcome, Report
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind, InventoryError, Problem
from fleet_repl.values.names import AccountId, Region, Registry
from fleet_repl.values.text import shortened, visible

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
HOSTILE = st.text(
    "ab1 |`*_[]()<>!#@~$&;:\\\"'+-.=\n\t\r\x00\x1b\u202e\u2066\U0001f4a1é東{}^/%", max_size=30
)
OURS = {"<code>", "</code>", "<br>"}

PLAN = """\
Plan for prod: 2 of 4 registries change, 1 link added, 1 link removed, 1 registry could not be \
read, 1 link held, refused by 1 objection.

| changed | unchanged | unreadable | links added | links removed | links held |
| --- | --- | --- | --- | --- | --- |
| 2 | 1 | 1 | 1 | 1 | 1 |

### Objections

- **foreign-rules**: 1 link would be removed

### Unreadable: 1 registry

- **access-denied at AssumeRole**: 1 registry<br>→ check that the role exists and trusts the base \
identity
  - <code>333333333333 eu-west-1 (dark)</code>: not authorized to assume \
arn&#58;aws&#58;iam&#58;&#58;333333333333&#58;role/fleet-replication (<code>AccessDenied</code>), \
request <code>7a1c</code>

### Held: 1 link left out until the destination grants it

- 333333333333/eu-west-1 could not be read (access-denied): 1 link
  - <code>111111111111/us-east-1</code> → <code>333333333333/eu-west-1</code>: \
<code>base/, golden/</code>

### Warnings

- **not-transitive**: spoke only receives base/

### Links that change

```mermaid
flowchart LR
  %% Fleet prod: 4 registries, 3 links
  subgraph in_eu_west_1["eu-west-1"]
    r_222222222222_eu_west_1["spoke<br/>222222222222<br/>eu-west-1"]
    r_333333333333_eu_west_1["dark<br/>333333333333<br/>eu-west-1"]
    r_444444444444_eu_west_1["444444444444<br/>eu-west-1"]
  end
  subgraph in_us_east_1["us-east-1"]
    r_111111111111_us_east_1["build<br/>111111111111<br/>us-east-1"]
  end
  r_111111111111_us_east_1 -->|"added<br/>golden<br/>base/, golden/"| r_222222222222_eu_west_1
  r_111111111111_us_east_1 -->|"removed<br/>every repository"| r_444444444444_eu_west_1
  r_111111111111_us_east_1 -->|"held<br/>base/, golden/"| r_333333333333_eu_west_1
  classDef external stroke-dasharray: 5 5
  classDef retired stroke-dasharray: 2 2,color:#888
```

<details><summary>Wave <code>rest</code>: 2 registries</summary>

| registry | changes | links |
| --- | --- | --- |
| <code>111111111111 us-east-1 (build)</code> | <code>&#126;</code> replication configuration | \
<code>&#43;</code> <code>222222222222/eu-west-1</code>: <code>base/, golden/</code><br>\
<code>&#45;</code> <code>444444444444/eu-west-1</code>: <code>every repository</code> |
| <code>222222222222 eu-west-1 (spoke)</code> | <code>&#43;</code> registry policy |  |

</details>
"""


def written(value: Documented) -> str:
    """The document as Markdown."""
    return "".join(render(value, ReportFormat.MD))


def flat(tokens: Sequence[Token]) -> list[Token]:
    """All tokens of a text, with those within others."""
    return [inner for token in tokens for inner in (token, *flat(token.children or ()))]


def shown(text: str) -> str:
    """The text that a reader sees of one line of Markdown, without tags."""
    return "".join(token.content for token in flat(MARKDOWN.parse(text)) if token.type == "text")


def test_a_plan(plan: Plan) -> None:
    """All of it: what happened first, then what is in the way, then what changes, folded."""
    assert written(plan) == PLAN


def test_a_report(report: Report) -> None:
    """What became of the run, with remedies and request ids."""
    text = written(report)
    first = text.partition("\n")[0]
    assert first == (
        "Run 20261123T120000Z-a1b2c3 of prod ended as partial: applied 2 of 3 writes, "
        "2 registries failed, 1 registry skipped, 1 link held."
    )
    assert "### Objections, overridden\n\n- **foreign-rules**" in text
    assert "request <code>7a1c</code>" in text
    assert "<br>→ check that the role exists and trusts the base identity" in text
    assert "- the run's deadline of 7200 s had passed: 1 registry skipped" in text
    assert "applied, request <code>9f</code>" in text


@pytest.mark.parametrize("spelled", [prose, code])
@given(text=HOSTILE)
@example("@octocat #12 octo/repo#1 GH-1")
@example("https://example.com www.example.com a@b.example")
@example("| a | b |")
@example("<script>alert(1)</script> <!-- --> &amp; &#64;")
@example("**a** _b_ ~~c~~ `d` [e](f) ![g](h) $x$ :smile: ```")
@example("1. a")
@example("- a")
@example("    a")
def test_a_text_is_nothing_but_text(spelled: object, text: str) -> None:
    """Within a sentence, and within a cell: a reader sees it as it is, with what is invisible
    escaped, and nothing in it is Markdown or a tag."""
    markdown = prose(text) if spelled is prose else code(text)
    for line in (f"x {markdown} y", f"- x {markdown} y"):
        tokens = flat(MARKDOWN.parse(line))
        kinds = {token.type for token in tokens if token.type not in ("text", "html_inline")}
        assert kinds <= {
            *("paragraph_open", "paragraph_close", "inline", "list_item_open", "list_item_close"),
            *("bullet_list_open", "bullet_list_close", "text_special"),
        }
        assert {token.content for token in tokens if token.type == "html_inline"} <= OURS
        told = "".join(token.content for token in tokens if token.type in ("text", "text_special"))
        assert re.sub(" +", " ", told) == re.sub(" +", " ", f"x {visible(text)} y")
    cells = [
        token
        for token in MARKDOWN.parse(table(("a", "b"), [(markdown, markdown)]))
        if token.type == "td_open"
    ]
    assert len(cells) == 2


@given(text=HOSTILE)
def test_nobody_is_mentioned(text: str) -> None:
    """GitHub looks for mentions and references in what Markdown made of a text, outside of code."""
    outside = re.sub(r"<code>[^<]*</code>", "", prose(text))
    assert not set("@#") & set(shown(f"x {outside}"))
    assert not {"&#64;", "&#35;"} & set(re.findall(r"&#\d+;", outside))


@given(data=st.data())
def test_no_name_breaks_a_page(
    data: DataObject,
    plans: SearchStrategy[Plan],
    reports: SearchStrategy[Report],
    backfill_reports: SearchStrategy[BackfillReport],
) -> None:
    """It fits a comment, has only our own tags, no link and no image, and every row of a table has
    all cells."""
    for value in (data.draw(plans), data.draw(reports), data.draw(backfill_reports)):
        text = written(value)
        assert len(text) <= MOST
        tokens = flat(MARKDOWN.parse(text))
        assert not {"link_open", "image", "code_inline", "s_open"} & {t.type for t in tokens}
        assert {t.content for t in tokens if t.type == "html_inline"} <= OURS
        blocks = [t.content for t in tokens if t.type == "html_block"]
        assert all(re.match(r"</?details>", block) for block in blocks)
        cells = [t.type for t in tokens if t.type in ("tr_open", "td_open", "th_open")]
        widths = {len(row.split()) for row in " ".join(cells).split("tr_open")[1:]}
        assert widths <= {3, 4, 5, 6, 7, 12}
        assert all(visible(line) == line for line in text.splitlines())


def _large(plan: Plan, count: int) -> Plan:
    rules = change_of(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        phase=Phase.RULES,
        before={"rules": []},
        after={"rules": []},
        links_added=(
            LinkEnd(
                registry=Registry(AccountId("9" * 12), Region("eu-west-1")),
                prefixes=("base/",),
                routes=("golden",),
            ),
        ),
    )
    registries = tuple(
        RegistryPlan(
            registry=Registry(AccountId(f"{number:012}"), Region("eu-west-1")),
            name=f"account-{number}",
            state=State.CHANGED,
            changes=(replace(rules, wave="canary" if number % 10 == 0 else "rest"),),
        )
        for number in range(count)
    )
    return replace(plan, registries=registries)


def test_a_large_fleet_fits_and_says_what_is_left_out(plan: Plan) -> None:
    """Each wave has its share of the room, and names how many registries are not shown."""
    text = written(_large(plan, 20_000))
    assert MOST - 5_000 < len(text) <= MOST
    for wave, number in (("canary", 2_000), ("rest", 18_000)):
        section = text.partition(f"Wave <code>{wave}</code>: {number:,} registries")[2]
        section = section.partition("</details>")[0]
        rows = section.count("(account&#45;") + section.count("(account-")
        assert 50 < rows < number
        assert f"\n\n{number - rows:,} more registries: see the JSON report\n" in section
    assert "mermaid" not in text


def test_everything_at_once_fits(plan: Plan) -> None:
    """Long messages, many objections, many ways to fail: each list is cut, and says by how much."""
    message = "a long story about @everybody and | more " * 30
    failing = tuple(
        RegistryPlan(
            registry=Registry(AccountId(f"{number:012}"), Region("eu-west-1")),
            name=message,
            state=State.UNREADABLE,
            error=Fault(
                kind=FaultKind.ACCESS_DENIED,
                operation="DescribeRegistry",
                message=message,
                hint=f"{number}: {message}\n{message}",
            ),
        )
        for number in range(3_000)
    )
    objections = tuple(Objection(kind="protected", message=f"{n} {message}") for n in range(500))
    warnings = tuple(Warning(kind="denied", message=f"{n} {message}") for n in range(500))
    whole = replace(plan, registries=failing, objections=objections, warnings=warnings)
    text = written(whole)
    assert len(text) <= MOST
    for noun in ("objections", "ways of failing", "warnings"):
        assert re.search(rf"\n\n[\d,]+ more {noun}: see the JSON report\n", text), noun


def test_many_links_are_no_drawing(plan: Plan) -> None:
    """Up to 40 links can be followed; of more there is the table."""
    held = HeldLink(
        destination=Registry(AccountId("9" * 12), Region("eu-west-1")),
        prefixes=("base/",),
        because="it is dark",
    )

    def with_links(number: int) -> Plan:
        first = replace(plan.registries[0], changes=(), held=(held,) * number)
        return replace(plan, registries=(first,))

    assert "```mermaid" in written(with_links(40))
    assert "```mermaid" not in written(with_links(41))
    assert "```mermaid" not in written(with_links(0))


@pytest.mark.parametrize(
    ("outcome", "label"),
    [(Outcome.APPLIED, '"added<br/>'), (Outcome.FAILED, '"added, failed<br/>')],
)
def test_a_link_that_was_not_made_is_drawn_as_such(
    report: Report, outcome: Outcome, label: str
) -> None:
    """A report draws what was to change, and says of which links it did not."""
    rule: JsonObject = {"destinations": [{"region": "eu-west-1", "registryId": "222222222222"}]}
    change = ended_change(
        resource=Resource.REPLICATION_CONFIGURATION,
        action=Action.UPDATE,
        outcome=outcome,
        before={"rules": []},
        after={"rules": [rule]},
    )
    registry = replace(report.registries[0], changes=(change,), held=())
    text = written(replace(report, registries=(registry,)))
    assert f"-->|{label}every repository" in text


def test_problems_of_an_inventory() -> None:
    """Each with its place, and what would be right."""
    problem = Problem(
        file="prod.toml",
        line=3,
        key="accounts[0].id",
        message="is no id",
        value='"1"',
        remedy="12 digits",
    )
    assert written(InventoryError([problem])) == (
        "The inventory has 1 problem.\n\n"
        "### Problems\n\n"
        "- <code>prod&#46;toml&#58;3</code> <code>accounts&#91;0&#93;&#46;id</code>: is no id "
        "(found <code>&#34;1&#34;</code>)<br>→ 12 digits\n"
    )


def test_a_long_name_is_cut() -> None:
    """A name of a megabyte does not take the room of everything else."""
    assert prose("a" * 10**6) == shortened("a" * 10**6, LONGEST).replace("…", "&#8230;")
