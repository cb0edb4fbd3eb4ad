"""Each slip by itself, in the words that its author reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from fleet_repl.inventory import ACKNOWLEDGEABLE
from fleet_repl.values.errors import Problem

ROUTE = """
[[routes]]
name = "r"
from = {{ {source} }}
to = {{ {destination} }}
{more}
"""


def route(source: str = "", destination: str = "", more: str = "") -> Mapping[str, str]:
    """The parts of a file whose only route is this."""
    return {
        "top": "",
        "rest": ROUTE.format(source=source, destination=destination, more=more),
    }


SLIPS: dict[str, tuple[Mapping[str, str], str]] = {
    "an unknown key is guessed": (
        {"account": 'regoins = ["us-east-1"]\nregions = ["us-east-1"]'},
        "accounts[0].regoins: is not a known key\n    did you mean regions?",
    ),
    "a key of a later version is unknown": (
        {"account": 'regions = ["us-east-1"]\ncolour = "red"'},
        (
            "accounts[0].colour: is not a known key\n"
            "    known here: id, name, regions, labels, role, profile, external_id, "
            "session_duration, state, rules, trusted_statements"
        ),
    ),
    "a statement of the fleet's own is trusted": (
        {"rest": '[ownership]\ntrusted_statements = ["FleetRepl0123456789abcdef"]'},
        (
            "ownership.trusted_statements[0]: is the Sid of a statement that fleet-repl writes "
            '(found "FleetRepl0123456789abcdef")\n'
            "    trust statements of others only: the fleet's own need no trust"
        ),
    ),
    "a kind of warning that is none": (
        {"rest": '[warnings]\nacknowledged = ["no-room", "not-transitiv:golden"]'},
        (
            "warnings.acknowledged[1]: is no kind of warning that can be acknowledged "
            '(found "not-transitiv:golden")\n'
            f"    did you mean not-transitive? known here: {', '.join(ACKNOWLEDGEABLE)}"
        ),
    ),
    "what happened to one run": (
        {"rest": '[warnings]\nacknowledged = ["unfinished-run"]'},
        (
            "warnings.acknowledged[0]: is no kind of warning that can be acknowledged "
            '(found "unfinished-run")\n'
            f"    known here: {', '.join(ACKNOWLEDGEABLE)}"
        ),
    ),
    "an acknowledgement of nobody": (
        {"rest": '[warnings]\nacknowledged = ["no-room:"]'},
        (
            'warnings.acknowledged[0]: names nothing after the colon (found "no-room:")\n'
            "    write no-room for every such warning, or no-room: with the name of a route, an "
            "account or a Sid"
        ),
    ),
    "an account trusts nothing by name": (
        {"account": 'regions = ["us-east-1"]\ntrusted_statements = [" "]'},
        'accounts[0].trusted_statements[0]: must not be empty (found " ")',
    ),
    "one bracket too few": (
        {"rest": '[external]\nid = "222222222222"'},
        (
            "external: must be a list (found {…})\n"
            "    write [[external]] with two brackets, once for each"
        ),
    ),
    "a region without its list": (
        {"account": 'regions = "us-east-1"'},
        'accounts[0].regions: must be a list (found "us-east-1")\n    write ["us-east-1"]',
    ),
    "an empty list of regions": (
        {"account": "regions = []"},
        (
            "accounts[0].regions: must not be empty (found [])\n"
            "    list one or more, or leave the key out"
        ),
    ),
    "no regions anywhere": (
        {"account": "# none"},
        (
            "accounts[0].regions: is missing, and [aws] has no default\n"
            '    write regions = ["us-east-1"] here, or in [aws] for all accounts'
        ),
    ),
    "a region that cannot be": (
        {"account": 'regions = ["us-gov-east-x"]'},
        (
            'accounts[0].regions[0]: is not a region of the partition aws (found "us-gov-east-x")\n'
            '    write it like "us-east-1"'
        ),
    ),
    "an unknown partition": (
        {"aws": 'role = "r"\npartition = "azure"'},
        (
            'aws.partition: must be "aws", "aws-us-gov", "aws-cn", "aws-eusc", "aws-iso", '
            '"aws-iso-b", "aws-iso-e" or "aws-iso-f" (found "azure")'
        ),
    ),
    "no role anywhere": (
        {"aws": "# none"},
        (
            "accounts[0].role: is missing, and [aws] has no default\n"
            '    write role = "fleet-replication" here, or in [aws] for all accounts'
        ),
    ),
    "a role with a blank": (
        {"aws": 'role = "fleet replication"'},
        (
            'aws.role: is not a role (found "fleet replication")\n    write a role\'s name, '
            'path/name, or ARN like "arn:{partition}:iam::{account}:role/name"'
        ),
    ),
    "a role with an unknown placeholder": (
        {"aws": 'role = "{name}-role"'},
        (
            'aws.role: is not a role (found "{name}-role")\n    write a role\'s name, '
            'path/name, or ARN like "arn:{partition}:iam::{account}:role/name"'
        ),
    ),
    "an ARN that is no role's": (
        {"aws": 'role = "arn:aws:iam::{account}:user/me"'},
        (
            'aws.role: is not the ARN of a role (found "arn:aws:iam::{account}:user/me")\n'
            "    write a role's name, path/name, or ARN like "
            '"arn:{partition}:iam::{account}:role/name"'
        ),
    ),
    "a role in another partition": (
        {"aws": 'role = "arn:aws-cn:iam::{account}:role/r"'},
        (
            "aws.role: is an ARN of another partition than aws "
            '(found "arn:aws-cn:iam::{account}:role/r")\n'
            '    write "arn:aws:…", or set aws.partition'
        ),
    ),
    "the identity of a profile in two accounts": (
        {
            "aws": 'role = "none"\nregions = ["us-east-1"]',
            "rest": '[[accounts]]\nid = "222222222222"\nprofile = "build"\n'
            '[[accounts]]\nid = "333333333333"\nprofile = "build"',
        },
        (
            "aws.role: the base identity acts in its own account only, and both accounts[1] "
            '(line 12) and accounts[2] (line 15) are said to be that (found "none")\n'
            "    name a role for the other account"
        ),
    ),
    "the base identity in two accounts": (
        {
            "aws": 'role = "none"\nregions = ["us-east-1"]',
            "rest": '[[accounts]]\nid = "222222222222"',
        },
        (
            "aws.role: the base identity acts in its own account only, and both accounts[0] "
            '(line 7) and accounts[1] (line 12) are said to be that (found "none")\n'
            "    name a role for the other account"
        ),
    ),
    "a duration without a unit": (
        {"rest": '[apply]\ntimeout = "30"'},
        'apply.timeout: is not a duration (found "30")\n    write it like "30s", "15m" or "1h30m"',
    ),
    "a deadline of nothing": (
        {"rest": '[apply]\ndeadline = "0s"'},
        'apply.deadline: must be 1s to 168h (found "0s")',
    ),
    "a rate of nothing": (
        {"rest": "[apply]\nsts_rate = 0"},
        "apply.sts_rate: must be more than 0 (found 0)",
    ),
    "a rate beyond reason": (
        {"rest": "[apply]\nsts_rate = inf"},
        "apply.sts_rate: must be at most 10,000 (found inf)",
    ),
    "a limit that is no number": (
        {"rest": "[limits]\nrules = true"},
        "limits.rules: must be a whole number (found true)",
    ),
    "a switch that is no switch": (
        {"rest": "[ownership]\ncreate_repositories = 1"},
        "ownership.create_repositories: must be true or false (found 1)",
    ),
    "a choice that is none": (
        {"rest": '[ownership]\ngrants = "none"'},
        'ownership.grants: must be "managed" or "off" (found "none")',
    ),
    "one bracket too few for a wave": (
        {"rest": '[waves]\nname = "a"'},
        "waves: must be a list (found {…})\n    write [[waves]] with two brackets, once for each",
    ),
    "waves that are none": (
        {"top": "routes = []\nwaves = []"},
        "waves: must not be empty (found [])\n    list one or more, or leave the key out",
    ),
    "a wave without a name": (
        {"rest": "[[waves]]\nselect = {}"},
        "waves[0].name: is missing\n    give each wave a name of its own",
    ),
    "two waves of one name": (
        {"rest": "[[waves]]\nname = 'a'\nselect = {}\n[[waves]]\nname = 'a'\nselect = {}"},
        (
            "waves[1].name: is the name of another wave already, in waves[0].name (line 12) "
            '(found "a")'
        ),
    ),
    "the name of the last wave": (
        {"rest": "[[waves]]\nname = 'rest'\nselect = {}"},
        (
            "waves[0].name: is the name of the last wave, of registries that no wave selects "
            '(found "rest")\n'
            "    give the wave another name, or take it out: those registries go last anyway"
        ),
    ),
    "a wave like another one": (
        {"rest": "[[waves]]\nname = 'a'\nselect = { same_region = true }"},
        "waves[0].select.same_region: means the source's, so it belongs in `to` (found true)",
    ),
    "a pause without a unit": (
        {"rest": "[[waves]]\nname = 'a'\nselect = {}\npause = 30"},
        'waves[0].pause: must be a string (found 30)\n    write it with its unit, such as "30s"',
    ),
    "a share without its sign": (
        {"rest": '[safety]\nmax_removals = "30"'},
        (
            'safety.max_removals: is not a share (found "30")\n'
            '    write "30%" for a share, or 30 for a count'
        ),
    ),
    "a share with a blank": (
        {"rest": '[safety]\nmax_removals = "30 %"'},
        'safety.max_removals: is not a share (found "30 %")\n    write "30%"',
    ),
    "a share in words": (
        {"rest": '[safety]\nmax_removals = "a third"'},
        (
            'safety.max_removals: is not a share (found "a third")\n'
            '    write it like "30%" or "12.5%", or a count without quotes'
        ),
    ),
    "a share too fine": (
        {"rest": '[safety]\nmax_changed = "33.3333%"'},
        (
            'safety.max_changed: is not a share (found "33.3333%")\n'
            '    write it like "30%" or "12.5%", or a count without quotes'
        ),
    ),
    "a share of a whole": (
        {"rest": "[safety]\nmax_unreadable = 0.07"},
        (
            'safety.max_unreadable: must be a count, or a share such as "10%" (found 0.07)\n'
            '    write "7%" for a share'
        ),
    ),
    "a share with a point": (
        {"rest": "[safety]\nmax_unreadable = 12.5"},
        (
            'safety.max_unreadable: must be a count, or a share such as "10%" (found 12.5)\n'
            '    write "12.5%" for a share'
        ),
    ),
    "more than everything": (
        {"rest": '[safety]\nmax_changed = "100.5%"'},
        'safety.max_changed: must be at most 100% (found "100.5%")',
    ),
    "a count beyond reason": (
        {"rest": "[safety]\nmax_changed = 10_000_001"},
        "safety.max_changed: must be 0 to 10,000,000 (found 10000001)",
    ),
    "one selector without its list": (
        {"rest": "[safety]\nprotected = { labels = { tier = 'hub' } }"},
        (
            "safety.protected: must be a list (found {…})\n"
            "    write a list of selectors, such as [{ labels = { … } }]"
        ),
    ),
    "an account without its selector": (
        {"rest": "[safety]\nprotected = ['build']"},
        'safety.protected[0]: must be a table (found "build")',
    ),
    "nothing protected": (
        {"rest": "[safety]\nprotected = []"},
        (
            "safety.protected: must not be empty (found [])\n"
            "    list one or more, or leave the key out"
        ),
    ),
    "a stranger protected": (
        {"rest": "[safety]\nprotected = [{ accounts = ['biuld'] }]"},
        (
            "safety.protected[0].accounts[0]: is not the id or name of an account that is listed "
            '(found "biuld")\n    did you mean "build"?'
        ),
    ),
    "an account that is also external": (
        {"rest": '[[external]]\nid = "111111111111"\nregions = ["us-east-1"]'},
        'external[0].id: is listed already, in accounts[0].id (line 7) (found "111111111111")',
    ),
    "a blank name": (
        {"rest": '[[accounts]]\nid = "222222222222"\nname = " "\nregions = ["us-east-1"]'},
        'accounts[1].name: must not be empty (found " ")',
    ),
    "a name that turns the text around": (
        {"rest": '[[external]]\nid = "222222222222"\nname = "a\\u202eb"\nregions = ["us-east-1"]'},
        (
            "external[0].name: holds control characters, line breaks or direction marks "
            '(found "a\\u202Eb")'
        ),
    ),
    "routes left out": (
        {"top": ""},
        (
            "routes: is missing\n"
            "    write one under [[routes]], or routes = [] if nothing shall replicate"
        ),
    ),
    "an account that is not listed": (
        route('accounts = ["biuld"]'),
        (
            "routes[0].from.accounts[0]: is not the id or name of an account that is listed "
            '(found "biuld")\n    did you mean "build"?'
        ),
    ),
    "a stranger's id": (
        route('accounts = "999999999999"'),
        (
            "routes[0].from.accounts: is not the id or name of an account that is listed "
            '(found "999999999999")\n'
            "    list it under [[accounts]], or under [[external]] if it is not yours"
        ),
    ),
    "accounts that are no text": (
        route("accounts = 111111111111"),
        "routes[0].from.accounts: must be a string or a list of strings (found 111111111111)",
    ),
    "an empty selector list": (
        route("labels = { tier = [] }"),
        (
            "routes[0].from.labels.tier: must not be empty (found [])\n"
            "    list one or more, or leave the key out"
        ),
    ),
    "a region of a selector": (
        route(destination='regions = "Mars!"'),
        'routes[0].to.regions: is not a region (found "Mars!")\n    write it like "us-east-1"',
    ),
    "same_region at the source": (
        route("same_region = true"),
        "routes[0].from.same_region: means the source's, so it belongs in `to` (found true)",
    ),
    "same_account within not": (
        route(destination="not = { same_account = true }"),
        (
            "routes[0].to.not.same_account: is not a known key\n"
            "    known here: accounts, labels, regions"
        ),
    ),
    "a wildcard": (
        route(more='prefixes = ["base/*"]'),
        (
            'routes[0].prefixes[0]: is not a prefix that ECR takes (found "base/*")\n'
            '    write "base/": a prefix needs no *'
        ),
    ),
    "a prefix that starts with a slash": (
        route(more='prefixes = ["/base"]'),
        (
            'routes[0].prefixes[0]: is not a prefix that ECR takes (found "/base")\n'
            "    only lower-case letters, digits, single / and . _ - within names"
        ),
    ),
    "a prefix of 257 characters": (
        route(more=f'prefixes = ["{"a" * 257}"]'),
        f'routes[0].prefixes[0]: must be 2 to 256 characters long (found "{"a" * 98}…)',
    ),
}

BLANKS = "letters, digits, blanks and _ . : / = + - @"


def session(keys: str) -> Mapping[str, str]:
    """The parts of a file that says what sessions carry."""
    return {"aws": f'role = "replication"\n{keys}'}


SLIPS |= {
    "a source identity of one letter": (
        session('source_identity = "p"'),
        (
            'aws.source_identity: is not a source identity that STS takes (found "p")\n'
            "    2 to 256 letters, digits and _ + = , . @ -"
        ),
    ),
    "a source identity of 257 letters": (
        session(f'source_identity = "{"p" * 257}"'),
        (
            "aws.source_identity: is not a source identity that STS takes "
            f'(found "{"p" * 98}…)\n    2 to 256 letters, digits and _ + = , . @ -'
        ),
    ),
    "session tags that are no table": (
        session('session_tags = ["team"]'),
        'aws.session_tags: must be a table (found ["team"])',
    ),
    "a session tag that is no text": (
        session("session_tags = { team = 7 }"),
        "aws.session_tags.team: must be a string (found 7)",
    ),
    "a session tag without a key": (
        session('session_tags = { "" = "x" }'),
        f'aws.session_tags."": is not the key of a session tag (found "x")\n    1 to 128 {BLANKS}',
    ),
    "a session tag with a long key": (
        session(f'session_tags = {{ {"k" * 129} = "x" }}'),
        (
            f'aws.session_tags.{"k" * 129}: is not the key of a session tag (found "x")\n'
            f"    1 to 128 {BLANKS}"
        ),
    ),
    "a session tag with a long value": (
        session(f'session_tags = {{ team = "{"v" * 257}" }}'),
        (
            f'aws.session_tags.team: is not the value of a session tag (found "{"v" * 98}…)\n'
            f"    0 to 256 {BLANKS}"
        ),
    ),
    "a session tag with a wildcard": (
        session('session_tags = { team = "a*" }'),
        (
            'aws.session_tags.team: is not the value of a session tag (found "a*")\n'
            f"    0 to 256 {BLANKS}"
        ),
    ),
    "a session tag of AWS's own": (
        session('session_tags = { "AWS:team" = "x" }'),
        (
            'aws.session_tags."AWS:team": starts with aws:, which AWS keeps for itself '
            '(found "x")\n    choose another key'
        ),
    ),
    "two session tags of one key": (
        session('session_tags.team = "x"\nsession_tags.Team = "y"'),
        (
            "aws.session_tags.Team: is the same key to STS as aws.session_tags.team (line 6): "
            'it ignores the case of letters (found "y")\n    keep one of the two'
        ),
    ),
    "too many session tags": (
        session("\n".join(f'session_tags.k{number} = "x"' for number in range(51))),
        (
            "aws.session_tags: holds 51 tags, and a session takes at most 50 (found {…})\n"
            "    keep those that an audit or a policy asks for"
        ),
    ),
}

BASE = 'prefixes = ["base/"]'
SLIPS |= {
    "a name with a wildcard": (
        route(more='only = ["base/java*"]'),
        (
            "routes[0].only[0]: is neither the name of a repository nor a folder, which ends with "
            'one / (found "base/java*")\n'
            '    write "base/java" for that repository and those below it, such as base/java/x; '
            "each name that only starts with base/java needs an entry of its own"
        ),
    ),
    "a name that is none": (
        route(more='exclude = ["/"]'),
        'routes[0].exclude[0]: must be 2 to 256 characters long (found "/")',
    ),
    "a name that starts with a slash": (
        route(more='exclude = ["//&"]'),
        (
            "routes[0].exclude[0]: is neither the name of a repository nor a folder, which ends "
            'with one / (found "//&")\n'
            "    write whole names: base/java is that repository and those below it, base/java/ "
            "only those below it"
        ),
    ),
    "a name twice": (
        route(more='only = ["base/java", "base/java"]'),
        'routes[0].only[1]: is in the list twice (found "base/java")',
    ),
    "no name in the list": (
        route(more="exclude = []"),
        (
            "routes[0].exclude: must not be empty (found [])\n"
            "    list one or more, or leave the key out"
        ),
    ),
    "what is replicated, said twice": (
        route(more=f'{BASE}\nonly = ["base/java"]'),
        (
            "routes[0].only: says which repositories are replicated, and prefixes says it too "
            '(found ["base/java"])\n'
            "    keep prefixes for all names that start with a text, or only for whole names"
        ),
    ),
    "nothing there to exclude": (
        route(more=f'{BASE}\nexclude = ["base/x/", "team/private/"]'),
        (
            "routes[0].exclude[1]: excludes nothing: no such repository is within the prefixes of "
            'the route (found "team/private/")\n'
            "    exclude what starts with base/, or take it out"
        ),
    ),
    "everything excluded": (
        route(more=f'{BASE}\nexclude = ["base"]'),
        (
            'routes[0].exclude: excludes everything that the route replicates (found ["base"])\n'
            "    exclude less, or take the route out"
        ),
    ),
    "all of the names excluded": (
        route(more='only = ["base/java"]\nexclude = ["base/java"]'),
        (
            "routes[0].exclude: excludes everything that the route replicates "
            '(found ["base/java"])\n'
            "    exclude less, or take the route out"
        ),
    ),
    "new repositories of prefixes alone": (
        route(more=f'{BASE}\nnew_repositories = "leave"'),
        (
            "routes[0].new_repositories: says nothing without exclude or only "
            '(found "leave")\n'
            "    take it out: whatever starts with a prefix is replicated"
        ),
    ),
    "new repositories in another word": (
        route(more='exclude = ["base/x/"]\nnew_repositories = "ignore"'),
        'routes[0].new_repositories: must be "include" or "leave" (found "ignore")',
    ),
    "an objective as a number": (
        route(more="complete = 1.0"),
        'routes[0].complete: is not a share (found 1.0)\n    write it like "100%" or "99.5%"',
    ),
    "an objective without its sign": (
        route(more='complete = "100"'),
        'routes[0].complete: is not a share (found "100")\n    write it like "100%" or "99.5%"',
    ),
    "an objective of more than all": (
        route(more='complete = "101%"'),
        'routes[0].complete: must be at most 100% (found "101%")',
    ),
    "an objective of nothing": (
        route(more='complete = "0%"'),
        (
            'routes[0].complete: must be more than 0% (found "0%")\n'
            "    leave the key out for no objective"
        ),
    ),
    "a delivery without its unit": (
        route(more="deliver_within = 15"),
        (
            "routes[0].deliver_within: must be a string (found 15)\n"
            '    write it with its unit, such as "15s"'
        ),
    ),
    "a delivery within no time": (
        route(more='deliver_within = "0s"'),
        'routes[0].deliver_within: must be 1s to 24h (found "0s")',
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip(
    slip: str, text: Callable[..., str], problems: Callable[[str], list[Problem]]
) -> None:
    """One thing wrong is one problem, with its key, value and remedy."""
    parts, expected = SLIPS[slip]
    messages = [str(replace(problem, line=None)) for problem in problems(text(**parts))]
    assert messages == [f"fleet.toml: {expected}"]
