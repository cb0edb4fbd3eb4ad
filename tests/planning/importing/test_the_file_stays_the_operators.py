"""What importing does to the file it is given: it takes routes out and in, and little else."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest
from tests.planning.importing.conftest import Find

from fleet_repl.inventory.starter import StarterAnswers, starter_text
from fleet_repl.values.canonical_json import JsonObject

Rule = Callable[..., JsonObject]

COMMENTED = """\
#:schema ./fleet-repl.schema.json
# Everything that the platform team runs.
version = 1
name    = "prod"  # also in session names

[aws]
role = "fleet-replication"
external_id = "${FLEET_EXTERNAL_ID}"
regions = [
  "eu-west-1",  # home
  "us-east-1",
]

[[accounts]]
id = "111111111111"
name = "build"
[accounts.labels]
tier = "hub"

[[accounts]]
id = "222222222222"
name = "${TEAM}"
labels = { env = "${TEAM}", "the tier" = "$${x}" }

[[accounts]]
id = "333333333333"
labels = { env = "other", "the tier" = "y" }

[[routes]]
name = "old"
from = { accounts = "build" }
to = { accounts = "333333333333" }
# Only for the trial.

[[external]]
id = "999999999999"
regions = ["eu-west-1"]

# The control plane is shared.
# So:
[apply]
concurrency = 8  # gently
"""


def test_everything_else_stays_where_it_is(find: Find, make_rule: Rule) -> None:
    """Comments, order and blanks; values from the environment stay references."""
    fleet = find(COMMENTED, {"1/eu-west-1": [make_rule("2/eu-west-1", filters=("base/",))]})
    assert fleet.imported().text == (
        COMMENTED.partition("[[routes]]")[0]
        + "# The control plane is shared.\n# So:\n[apply]\n"
        + "concurrency = 8  # gently\n"
        + "\n"
        + "[ownership]\n"
        + 'grants = "off"\n'
        + "\n"
        + "# Imported by fleet-repl: 1 link in 1 route.\n"
        + "#\n"
        + '# grants = "off", because with "managed" a plan would add grants in 1 registry, such as '
        + "222222222222/eu-west-1.\n"
        + "\n"
        + "[[routes]]\n"
        + 'name = "hub-eu-west-1-to-TEAM-eu-west-1"\n'
        + 'from = { labels = { tier = "hub" }, regions = "eu-west-1" }\n'
        + 'to = { labels = { env = "${TEAM}" }, regions = "eu-west-1" }\n'
        + 'prefixes = ["base/"]\n'
    )


def test_texts_that_look_like_references_are_not_filled_in(find: Find, make_rule: Rule) -> None:
    """A label that means a literal ${x} is written as it was, and its key in quotes."""
    text = COMMENTED.replace('env = "${TEAM}", ', "")
    rules = [make_rule("2/eu-west-1", "2/us-east-1")]
    written = find(text, {"1/eu-west-1": rules}).imported().text
    assert 'to = { labels = { "the tier" = "$${x}" } }\n' in written


def test_a_plain_text_is_preferred_to_a_reference(find: Find, make_rule: Rule) -> None:
    """Where accounts spell one value in both ways."""
    for first, second in (("payments", "${TEAM}"), ("${TEAM}", "payments")):
        text = COMMENTED.replace('env = "${TEAM}"', f'env = "{first}"').replace(
            'env = "other"', f'env = "{second}"'
        )
        rules = [make_rule("2/eu-west-1", "3/eu-west-1")]
        written = find(text, {"1/eu-west-1": rules}).imported().text
        assert 'to = { labels = { env = "payments" }, regions = "eu-west-1" }\n' in written


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[ownership]\nrules = "additive"\n', None),
        ('[ownership]\nrules = "additive"\nformerly = ["old"]\n', {"formerly": ["old"]}),
        ('[ownership]\ngrants = "off"\n', {"grants": "off"}),
        ('ownership.rules = "additive"\n', None),
        ('ownership = { rules = "additive", grants = "managed" }\n', {"grants": "managed"}),
    ],
)
def test_who_owns_rules_is_found_anew(find: Find, before: str, after: object) -> None:
    """Whatever the file said about them; all else that it says of ownership holds."""
    head = f'version = 1\nname = "prod"\n{before if "=" in before.splitlines()[0] else ""}'
    tail = before if before.startswith("[") else ""
    text = (
        f'{head}\n[aws]\nrole = "r"\nregions = ["eu-west-1"]\n\n'
        f'[[accounts]]\nid = "111111111111"\nrules = "additive"\n\n{tail}'
    )
    document = tomllib.loads(find(text).imported().text)
    assert document.get("ownership") == after
    assert document["accounts"] == [{"id": "111111111111"}]


def test_accounts_in_one_list(find: Find, make_rule: Rule) -> None:
    """An array of inline tables is as good as [[accounts]]."""
    text = (
        'version = 1\nname = "prod"\nroutes = []\n'
        'accounts = [{ id = "111111111111", regions = ["eu-west-1"], role = "r" }]\n'
    )
    result = find(text, {"1/eu-west-1": [make_rule("1/us-east-1")]}).imported()
    assert tomllib.loads(result.text)["accounts"][0]["rules"] == "additive"
    assert [str(item) for item in result.left_out] == [
        (
            "111111111111/eu-west-1 (111111111111): the link to 111111111111/us-east-1 (every "
            "repository): 111111111111 does not list that region"
        )
    ]


def test_an_external_id_that_is_spelled_out_is_not_shown(find: Find) -> None:
    """A variable stands for it, and the reader is told; references stay."""
    text = (
        'version = 1\nname = "prod"\n[aws]\nrole = "r"\nregions = ["eu-west-1"]\n'
        'external_id = "s3cr3t-of-the-fleet"\n\n'
        '[[accounts]]\nid = "111111111111"\nexternal_id = "s3cr3t-of-one"\n\n'
        '[[accounts]]\nid = "222222222222"\nexternal_id = "s3cr3t-${FLEET_EXTERNAL_ID}"\n\n'
        '[[accounts]]\nid = "333333333333"\nexternal_id = "${FLEET_EXTERNAL_ID}"\n'
    )
    fleet = find(text)
    result = fleet.imported()
    document = tomllib.loads(result.text)
    assert document["aws"]["external_id"] == "${FLEET_EXTERNAL_ID}"
    assert [item["external_id"] for item in document["accounts"]] == [
        "${EXTERNAL_ID_111111111111}",
        "${EXTERNAL_ID_222222222222}",
        "${FLEET_EXTERNAL_ID}",
    ]
    assert result.notes == tuple(
        "an external id that the file spells out is a variable here, because none is ever shown: "
        f"set {name} to it, or write it back"
        for name in (
            "FLEET_EXTERNAL_ID",
            "EXTERNAL_ID_111111111111",
            "EXTERNAL_ID_222222222222",
        )
    )
    assert "s3cr3t" not in repr(result)
    again = fleet.load(result.text)
    assert again.accounts == fleet.load(text, routes_required=False).accounts


def test_line_ends_of_other_systems(find: Find, make_rule: Rule) -> None:
    """A file with CRLF comes out as one text with the same meaning."""
    rules = {"1/eu-west-1": [make_rule("3/eu-west-1")]}
    plain = find(COMMENTED, rules).imported().text
    assert find(COMMENTED.replace("\n", "\r\n"), rules).imported().text == plain


def test_nothing_but_importing_loads_the_parser_that_keeps_comments() -> None:
    """Other commands start without it."""
    code = (
        "import sys, fleet_repl.cli.app, fleet_repl.fleet.fleet\n"
        "assert 'tomlkit' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_follows_an_emptied_table_keeps_its_comment(find: Find) -> None:
    """[ownership] may have nothing left to say; the next table's remark is not its own."""
    text = (
        'version = 1\nname = "prod"\n[aws]\nrole = "r"\nregions = ["eu-west-1"]\n\n'
        '[ownership]\nrules = "additive"\n\n# never touch\n[[accounts]]\nid = "111111111111"\n'
    )
    shown = find(text).imported().text
    assert "# never touch\n[[accounts]]\n" in shown
    assert "ownership" not in shown


def test_the_comment_of_an_emptied_table_goes_with_it(find: Find) -> None:
    """`init` writes one above [ownership]. Without the table it would explain the next one."""
    text = starter_text(StarterAnswers())
    remark = "# Until you trust it: rules that others made are kept"
    before, between, after = text.partition(remark)
    _, _, after = after.partition('rules = "additive"\n\n')
    kept, routes, _ = after.partition("[[routes]]")
    assert (between, routes) == (remark, "[[routes]]")
    shown = find(text).imported().text
    assert before[before.index("[state]") :] + kept.rstrip() in shown
    assert "Until you trust it" not in shown
