"""[[templates]]: what they mean, what is wrong with them, and the files that belong to them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from fleet_repl.inventory import Inventory, Match, Selector, Template, json_schema
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import AccountId

Load = Callable[..., Inventory]
Problems = Callable[..., list[Problem]]
Text = Callable[..., str]

HEAD = '[[templates]]\nname = "t"\nprefix = "base"\nselect = {}\n'
LIFECYCLE = '{\n  "rules": [{"rulePriority": 1}]\n}\n'
POLICY = '{"Statement": [{"Sid": "caf\u00e9"}]}'
KEY = "arn:aws:kms:{region}:{account}:key/mrk-1"
FULL = f"""
[[templates]]
name = "golden images"
prefix = "team/golden/"
select = {{ accounts = "build", not = {{ labels = {{ tier = "x" }} }} }}
tag_mutability = "immutable-with-exclusion"
tag_mutability_exclusions = ["latest", "dev-*"]
encryption = "kms-dsse"
kms_key = "arn:{{partition}}:kms:{{region}}:{{account}}:key/mrk-1"
lifecycle_policy = '''{LIFECYCLE}'''
repository_policy_file = "policy.json"
tags = {{ team = "platform", "cost centre" = "" }}
role = "ecr/template"
applied_for = ["replication", "create-on-push"]

[[templates]]
name = "rest"
prefix = "ROOT"
select = {{}}
"""


@pytest.fixture
def beside(file: Path) -> Path:
    """A policy in a file beside the inventory."""
    path = file.parent / "policy.json"
    path.write_text(POLICY, encoding="utf-8")
    return path


def test_everything_that_can_be_said(load: Load, text: Text, beside: Path) -> None:
    """Policies lose their white space, prefixes their slash, lists their order."""
    full, rest = load(text(rest=FULL)).templates
    assert full.role is not None
    assert str(full.role.role_of(AccountId("222222222222"))) == (
        "arn:aws:iam::222222222222:role/ecr/template"
    )
    assert full == Template(
        name="golden images",
        prefix="team/golden",
        select=Selector(
            match=Match(accounts=frozenset({AccountId("111111111111")})),
            exclude=Match(labels={"tier": frozenset({"x"})}),
        ),
        tag_mutability="immutable-with-exclusion",
        tag_mutability_exclusions=("dev-*", "latest"),
        encryption="kms-dsse",
        kms_key=KEY,
        lifecycle_policy='{"rules":[{"rulePriority":1}]}',
        repository_policy='{"Statement":[{"Sid":"caf\u00e9"}]}',
        tags={"team": "platform", "cost centre": ""},
        role=full.role,
        applied_for=("create-on-push", "replication"),
    )
    assert rest == Template(name="rest", prefix="ROOT", select=Selector())


def test_editors_take_it() -> None:
    """All of it, and references to the environment."""
    validator = jsonschema.Draft202012Validator(json_schema())
    head = 'version = 1\nname = "f"\nroutes = []\naccounts = [{ id = "111111111111" }]\n'
    referring = (
        '[[templates]]\nname = "${N}"\nprefix = "${P}"\nselect = {}\nencryption = "${E}"\n'
        'applied_for = ["${A}"]\nkms_key = "${K}"\ntag_mutability_exclusions = ["${T}"]\n'
    )
    validator.validate(tomllib.loads(head + FULL))
    validator.validate(tomllib.loads(head + referring))


@pytest.mark.parametrize(
    "line",
    [
        'prefix = "Base"',
        'prefix = "a//b"',
        'tag_mutability = "MUTABLE"',
        "tag_mutability_exclusions = []",
        'tag_mutability_exclusions = ["a", "b", "c", "d", "e", "f"]',
        'encryption = "sse"',
        'kms_key = "alias/mine"',
        'applied_for = ["push"]',
        "applied_for = []",
        "tags = { a = 1 }",
    ],
)
def test_editors_see_slips(line: str) -> None:
    """What the parser would refuse, as far as one key shows it."""
    head = 'version = 1\nname = "f"\nroutes = []\naccounts = [{ id = "111111111111" }]\n'
    template = HEAD.replace('prefix = "base"\n', "") if line.startswith("prefix") else HEAD
    document = tomllib.loads(head + template + line)
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(document)


SLIPS: Mapping[str, tuple[str, str]] = {
    "a wrong prefix": (
        HEAD.replace("base", "Base/*"),
        (
            'prefix: is not a prefix that a creation template can have (found "Base/*")\n'
            '    a namespace such as "team/base/", or "ROOT" for every repository that no other '
            "template fits"
        ),
    ),
    "a prefix that is too long": (
        HEAD.replace("base", "b" * 257),
        f'prefix: must be 1 to 256 characters long (found "{"b" * 98}…)',
    ),
    "no prefix": (
        HEAD.replace('prefix = "base"\n', ""),
        'prefix: is missing\n    write prefix = "ROOT" for every repository',
    ),
    "no name": (
        HEAD.replace('name = "t"\n', ""),
        "name: is missing\n    give each template a name of its own",
    ),
    "a long name": (
        HEAD.replace('"t"', f'"{"t" * 129}"'),
        f'name: must be at most 128 characters long (found "{"t" * 98}…)',
    ),
    "nothing selected": (
        HEAD.replace("select = {}\n", ""),
        "select: is missing\n    write select = {} for every registry",
    ),
    "a partner's registries": (
        HEAD.replace("{}", '{ accounts = "partner" }'),
        ('select.accounts: is an external account, and nothing of it is managed (found "partner")'),
    ),
    "exclusions without mutability for them": (
        f'{HEAD}tag_mutability = "immutable"\ntag_mutability_exclusions = ["latest"]',
        (
            'tag_mutability_exclusions: means nothing with tag_mutability = "immutable" '
            '(found ["latest"])\n    write tag_mutability = "immutable-with-exclusion"'
        ),
    ),
    "mutability without its exclusions": (
        f'{HEAD}tag_mutability = "mutable-with-exclusion"',
        (
            'tag_mutability_exclusions: is missing, and tag_mutability = "mutable-with-exclusion" '
            'needs it\n    list the tags, such as ["latest", "dev-*"]'
        ),
    ),
    "too many exclusions": (
        (
            f'{HEAD}tag_mutability = "mutable-with-exclusion"\n'
            'tag_mutability_exclusions = ["a", "b", "c", "d", "e", "f"]'
        ),
        'tag_mutability_exclusions: must be at most 5 (found ["a", "b", "c", "d", "e", "f"])',
    ),
    "an exclusion that is none": (
        f'{HEAD}tag_mutability = "mutable-with-exclusion"\ntag_mutability_exclusions = ["v?"]',
        (
            'tag_mutability_exclusions[0]: is not a filter for tags (found "v?")\n'
            "    1 to 128 letters, digits and . _ -, with * as a wildcard"
        ),
    ),
    "an exclusion that is all wildcards": (
        f'{HEAD}tag_mutability = "mutable-with-exclusion"\ntag_mutability_exclusions = ["*a*b*"]',
        'tag_mutability_exclusions[0]: must have at most 2 wildcards (found "*a*b*")',
    ),
    "an exclusion twice": (
        f'{HEAD}tag_mutability = "mutable-with-exclusion"\ntag_mutability_exclusions = ["a", "a"]',
        'tag_mutability_exclusions[1]: is in the list twice (found "a")',
    ),
    "an exclusion without its list": (
        f'{HEAD}tag_mutability_exclusions = "a"',
        'tag_mutability_exclusions: must be a list (found "a")\n    write ["a"]',
    ),
    "a wrong mutability": (
        f'{HEAD}tag_mutability = "IMMUTABLE"\ntag_mutability_exclusions = ["a"]',
        (
            'tag_mutability: must be "mutable", "immutable", "mutable-with-exclusion" or '
            '"immutable-with-exclusion" (found "IMMUTABLE")'
        ),
    ),
    "tags without a role": (
        f'{HEAD}tags = {{ a = "b" }}',
        (
            "role: is missing, and ECR needs one for tags\n"
            '    write role = "ecr-template-role": a role in the same account'
        ),
    ),
    "tags and KMS without a role": (
        f'{HEAD}tags = {{ a = "b" }}\nencryption = "kms"',
        (
            'role: is missing, and ECR needs one for tags and encryption = "kms"\n'
            '    write role = "ecr-template-role": a role in the same account'
        ),
    ),
    "the base identity as role": (
        f'{HEAD}role = "none"',
        (
            'role: is no role: ECR cannot be the base identity (found "none")\n'
            "    leave it out for ECR's service-linked role"
        ),
    ),
    "a role that is none": (
        f'{HEAD}role = "a b"',
        (
            'role: is not a role (found "a b")\n    write a role\'s name, path/name, or ARN like '
            '"arn:{partition}:iam::{account}:role/name"'
        ),
    ),
    "a key without KMS": (
        f'{HEAD}kms_key = "{KEY}"',
        f'kms_key: means nothing without KMS (found "{KEY}")\n    write encryption = "kms" with it',
    ),
    "an alias as key": (
        f'{HEAD}encryption = "kms"\nrole = "r"\nkms_key = "alias/ecr"',
        (
            'kms_key: is not the ARN of a KMS key (found "alias/ecr")\n'
            '    write it like "arn:{partition}:kms:{region}:{account}:key/…", not as an alias'
        ),
    ),
    "a key of another partition": (
        f'{HEAD}encryption = "kms"\nrole = "r"\nkms_key = "{KEY.replace("aws", "aws-cn")}"',
        (
            "kms_key: is an ARN of another partition than aws "
            f'(found "{KEY.replace("aws", "aws-cn")}")\n'
            '    write "arn:aws:…", or set aws.partition'
        ),
    ),
    "a tag of AWS": (
        f'{HEAD}role = "r"\ntags = {{ "aws:x" = "b" }}',
        'tags."aws:x": starts with aws:, which AWS keeps for itself (found "b")',
    ),
    "a long value": (
        f'{HEAD}role = "r"\ntags = {{ x = "{"b" * 257}" }}',
        f'tags.x: has a value that is not 0 to 256 characters (found "{"b" * 98}…)',
    ),
    "a wrong occasion": (
        f'{HEAD}applied_for = ["REPLICATION"]',
        (
            'applied_for[0]: must be "replication", "pull-through-cache" or "create-on-push" '
            '(found "REPLICATION")'
        ),
    ),
    "an occasion twice": (
        f'{HEAD}applied_for = ["replication", "replication"]',
        'applied_for[1]: is in the list twice (found "replication")',
    ),
    "no occasion": (
        f"{HEAD}applied_for = []",
        ("applied_for: must not be empty (found [])\n    list one or more, or leave the key out"),
    ),
    "a policy in two places": (
        f"{HEAD}lifecycle_policy = '{{}}'\nlifecycle_policy_file = \"x.json\"",
        ('lifecycle_policy_file: cannot stand beside lifecycle_policy: write one (found "x.json")'),
    ),
    "a policy that is no JSON": (
        f"{HEAD}lifecycle_policy = '{{rules}}'",
        (
            "lifecycle_policy: is not JSON: Expecting property name enclosed in double quotes "
            '(line 1, column 2) (found "{rules}")'
        ),
    ),
    "a policy that is a list": (
        f"{HEAD}repository_policy = '[]'",
        'repository_policy: is not a JSON object (found "[]")',
    ),
    "a policy that is infinite": (
        f"{HEAD}repository_policy = '{{\"a\": Infinity}}'",
        (
            "repository_policy: is not JSON: lists or objects are nested too deeply, or a number "
            'is no JSON number (found "{\\"a\\": Infinity}")'
        ),
    ),
    "a policy that says two things": (
        f'{HEAD}repository_policy = \'{{"Statement": [{{"Sid": "a", "Sid": "b"}}]}}\'',
        (
            'repository_policy: is not JSON: an object names the key "Sid" twice '
            '(found "{\\"Statement\\": [{\\"Sid\\": \\"a\\", \\"Sid\\": \\"b\\"}]}")'
        ),
    ),
    "a policy that says nothing": (
        f'{HEAD}repository_policy = \'{{"Version": "2012-10-17"}}\'',
        (
            'repository_policy: is a policy without "Statement" '
            '(found "{\\"Version\\": \\"2012-10-17\\"}")'
        ),
    ),
    "half a character": (
        f'{HEAD}lifecycle_policy = \'{{"rules": "\\ud800"}}\'',
        (
            "lifecycle_policy: is not JSON: it holds half of a surrogate pair "
            '(found "{\\"rules\\": \\"\\\\ud800\\"}")'
        ),
    ),
    "a file that is not there": (
        f'{HEAD}lifecycle_policy_file = "none.json"',
        'lifecycle_policy_file: cannot be read: No such file or directory (found "none.json")',
    ),
    "a file without a name": (
        f'{HEAD}lifecycle_policy_file = ""',
        'lifecycle_policy_file: must not be empty (found "")',
    ),
    "a misspelt key": (
        f'{HEAD}aplied_for = ["replication"]',
        "aplied_for: is not a known key\n    did you mean applied_for?",
    ),
}
PARTNER = '[[external]]\nid = "999999999999"\nname = "partner"\nregions = ["eu-west-1"]\n'


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip(slip: str, text: Text, problems: Problems) -> None:
    """One thing wrong is one problem, with its key, value and remedy."""
    written, expected = SLIPS[slip]
    messages = [
        str(replace(problem, line=None)) for problem in problems(text(rest=PARTNER + written))
    ]
    assert messages == [f"fleet.toml: templates[0].{expected}"]


def test_one_bracket_too_few(text: Text, problems: Problems) -> None:
    """A table where tables are listed."""
    messages = [str(problem) for problem in problems(text(rest='[templates]\nname = "t"'))]
    assert messages == [
        (
            "fleet.toml:11: templates: must be a list (found {…})\n"
            "    write [[templates]] with two brackets, once for each"
        )
    ]


def test_two_of_one_name(text: Text, problems: Problems) -> None:
    """Plans and warnings name templates, so a name means one."""
    messages = [
        str(problem) for problem in problems(text(rest=HEAD + HEAD.replace("base", "other")))
    ]
    assert messages == [
        (
            "fleet.toml:16: templates[1].name: is the name of another template already, in "
            'templates[0].name (line 12) (found "t")'
        )
    ]


def test_too_many_tags(text: Text, problems: Problems) -> None:
    """AWS takes 50."""
    tags = ", ".join(f'k{number} = "v"' for number in range(51))
    problems_ = problems(text(rest=f'{HEAD}role = "r"\ntags = {{ {tags} }}'))
    assert [(warning.key, warning.message) for warning in problems_] == [
        ("templates[0].tags", "must be at most 50 tags, and are 51")
    ]


def test_a_policy_that_is_too_long(text: Text, load: Load, problems: Problems) -> None:
    """Its white space does not count, because it is not sent."""

    def rest(count: int) -> str:
        policy = json.dumps({"rules": ["x" * count]}, indent=40)
        return f"{HEAD}lifecycle_policy = '''{policy}'''"

    frame = len('{"rules":[""]}')
    (fits,) = load(text(rest=rest(30_720 - frame))).templates
    assert len(fits.lifecycle_policy or "") == 30_720
    assert [problem.message for problem in problems(text(rest=rest(30_721 - frame)))] == [
        "must be at most 30,720 characters long, and has 30,721 without white space"
    ]


def test_a_policy_that_is_too_deep(text: Text, problems: Problems) -> None:
    """However deep: told, and no stack is exhausted."""
    for depth in (40, 20_000):
        rest = f"{HEAD}lifecycle_policy = '{{\"rules\": {'[' * depth}{']' * depth}}}'"
        assert [problem.message for problem in problems(text(rest=rest))] == [
            "is not JSON: lists or objects are nested too deeply, or a number is no JSON number"
        ]


def test_a_changed_file_is_a_changed_inventory(load: Load, text: Text, beside: Path) -> None:
    """The digest covers the file's text, and only then is anything but the document in it."""
    naming = text(rest=f'{HEAD}repository_policy_file = "policy.json"')
    inline = text(rest=f"{HEAD}repository_policy = '{POLICY}'")
    before = load(naming)
    assert before.templates == load(inline).templates
    assert before.digest == load(naming).digest
    assert before.digest != load(inline).digest
    beside.write_text(POLICY.replace("caf\u00e9", "tea"), encoding="utf-8")
    assert load(naming).digest != before.digest
    assert load(naming).templates != before.templates


def test_the_environment_is_not_filled_into_files(load: Load, text: Text, beside: Path) -> None:
    """Policies have variables of their own, so a file is taken as it is; inline they are told
    apart with a second dollar."""
    beside.write_text('{"Statement": "${aws:username}"}', encoding="utf-8")
    file = load(text(rest=f'{HEAD}repository_policy_file = "${{F}}.json"'), {"F": "policy"})
    escaped = 'repository_policy = \'{"Statement": "$${aws:username}"}\''
    inline = load(text(rest=HEAD + escaped))
    for inventory in (file, inline):
        assert inventory.templates[0].repository_policy == '{"Statement":"${aws:username}"}'


def test_a_reference_that_is_not_set_is_the_only_problem(text: Text, problems: Problems) -> None:
    """A text that is not known is not judged."""
    problems_ = problems(text(rest=f"{HEAD}lifecycle_policy = '${{POLICY}}'"))
    assert [warning.message for warning in problems_] == [
        "the environment variable POLICY is not set"
    ]


def test_a_file_that_is_no_text(text: Text, problems: Problems, beside: Path) -> None:
    """Told at the key that names it."""
    beside.write_bytes(b"\xff\xfe")
    problems_ = problems(text(rest=f'{HEAD}repository_policy_file = "policy.json"'))
    assert [str(item) for item in problems_] == [
        (
            "fleet.toml:15: templates[0].repository_policy_file: is not UTF-8 "
            '(found "policy.json")\n    save the file as UTF-8'
        )
    ]


def test_all_problems_at_once(text: Text, problems: Problems) -> None:
    """Each key of a template is judged, whatever is wrong with the others."""
    rest = """
[[templates]]
prefix = "X"
select = { accounts = "biuld" }
tag_mutability = "frozen"
encryption = "kms"
kms_key = "k"
lifecycle_policy = ""
applied_for = ["push", 3]
tags = { a = 1 }
"""
    assert [problem.key for problem in problems(text(rest=rest))] == [
        "templates[0].name",
        "templates[0].role",
        "templates[0].prefix",
        "templates[0].select.accounts",
        "templates[0].tag_mutability",
        "templates[0].kms_key",
        "templates[0].lifecycle_policy",
        "templates[0].applied_for[0]",
        "templates[0].applied_for[1]",
        "templates[0].tags.a",
    ]
