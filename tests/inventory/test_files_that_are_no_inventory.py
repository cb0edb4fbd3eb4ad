"""A file that cannot be read as TOML is one problem, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_repl.inventory import parse
from fleet_repl.values.errors import InventoryError


def _problems(file: Path) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        parse(file, environ={})
    assert raised.value.__context__ is None, "a cause would carry the file's content along"
    return [str(problem).replace(str(file), "fleet.toml") for problem in raised.value.problems]


def test_no_file(tmp_path: Path) -> None:
    """A path that leads nowhere."""
    assert _problems(tmp_path / "fleet.toml") == [
        (
            "fleet.toml: cannot be read: No such file or directory\n"
            "    correct the path, or write a first inventory: fleet-repl init fleet.toml"
        )
    ]


def test_no_file_of_a_strange_name(tmp_path: Path) -> None:
    """The command can be pasted."""
    (message,) = _problems(tmp_path / "our fleet.toml")
    assert message.endswith(": fleet-repl init 'fleet.toml'")


def test_a_folder(tmp_path: Path) -> None:
    """A folder instead of a file."""
    assert _problems(tmp_path) == ["fleet.toml: cannot be read: Is a directory"]


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """A path that no file system takes."""
    reason = "a path cannot hold a null character"
    assert _problems(tmp_path / "a\0b") == [f"fleet.toml: cannot be read: {reason}"]


def test_another_encoding(tmp_path: Path) -> None:
    """Latin-1 on the second line."""
    file = tmp_path / "fleet.toml"
    file.write_bytes('version = 1\nname = "größe"\n'.encode("latin-1"))
    assert _problems(file) == ["fleet.toml:2: is not UTF-8\n    save the file as UTF-8"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version = 1\nname =\n", "2: name: is not TOML: Invalid value (found name =)"),
        (
            "a = 1\n\na = 2\n",
            (
                "3: a: is not TOML: Cannot overwrite a value\n"
                "    the key is there already: keep one of them"
            ),
        ),
        (
            "a = [1,\n  2\n\n",
            (
                "2: a[1]: is not TOML: Unclosed array\n"
                "    put a comma between the items, and ] behind the last"
            ),
        ),
        (
            "[a]\nb = 1\n[[a]]\nb = 2\n",
            (
                "3: a: is not TOML: Cannot overwrite a value\n"
                "    two brackets, as of [[routes]], begin each of several; one pair begins a "
                "single table"
            ),
        ),
        (
            '{"version": 1}\n',
            "1: is not TOML: Invalid statement\n    an inventory is TOML, not JSON",
        ),
        (
            "version: 1\n",
            (
                "1: is not TOML: Expected '=' after a key in a key/value pair\n"
                "    write key = value: an inventory is TOML, not YAML"
            ),
        ),
        (
            "name = \u201cprod\u201d\n",
            (
                "1: name: is not TOML: Invalid value (found name = \u201cprod\u201d)\n"
                "    write straight quotation marks"
            ),
        ),
        (
            "routes = [{ from = {},\n to = {} }]\n",
            (
                "1: is not TOML: Invalid initial character for a key part\n"
                "    write a table in { } on one line, without a comma before the }"
            ),
        ),
    ],
)
def test_broken_toml(tmp_path: Path, text: str, expected: str) -> None:
    """The parser's words, and its line even where it says no more than "end of document"."""
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    assert _problems(file) == [f"fleet.toml:{expected}"]


ZEROS = "TOML has no numbers with leading zeros, and an id is a text"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "id = 020123456789",
            (
                "id: is not TOML: Expected newline or end of document after a statement "
                f'(found id = 020123456789)\n    write "020123456789": {ZEROS}'
            ),
        ),
        (
            "id = 020123456789 # build",
            (
                "id: is not TOML: Expected newline or end of document after a statement "
                f'(found id = 020123456789 # build)\n    write "020123456789": {ZEROS}'
            ),
        ),
        (
            "name = build",
            (
                "name: is not TOML: Invalid value (found name = build)\n"
                '    write "build": a text stands in quotes'
            ),
        ),
        (
            'name = "build',
            (
                "name: is not TOML: Illegal character '\\n' (found name = \"build)\n"
                "    end the text with the quotation mark that it begins with"
            ),
        ),
        (
            'regions = ["a" "b"]',
            (
                'regions[1]: is not TOML: Unclosed array (found regions = ["a" "b"])\n'
                "    put a comma between the items, and ] behind the last"
            ),
        ),
        (
            "replicate_deletes = yes",
            (
                "replicate_deletes: is not TOML: Invalid value (found replicate_deletes = yes)\n"
                '    write true, or "yes" if it is a text'
            ),
        ),
        ("id", "is not TOML: Expected '=' after a key in a key/value pair"),
    ],
)
def test_the_key_and_the_line_are_reported(tmp_path: Path, line: str, expected: str) -> None:
    """As written, with what was most likely meant."""
    file = tmp_path / "fleet.toml"
    file.write_text(f'version = 1\n[[accounts]]\nname = "x"\n[[accounts]]\n{line}\n')
    whole = expected if expected.startswith("is ") else f"accounts[1].{expected}"
    assert _problems(file) == [f"fleet.toml:5: {whole}"]


def test_a_header_is_reported(tmp_path: Path) -> None:
    """It has no value, and may be as wrong."""
    file = tmp_path / "fleet.toml"
    file.write_text("version = 1\n[aws\n")
    assert _problems(file) == [
        ("fleet.toml:2: is not TOML: Expected ']' at the end of a table declaration (found [aws)")
    ]


def test_a_long_line_is_cut(tmp_path: Path) -> None:
    """A file may be one line."""
    file = tmp_path / "fleet.toml"
    file.write_text("name = " + "x" * 1000)
    assert f"(found name = {'x' * 73}…)" in _problems(file)[0]


@pytest.mark.parametrize(
    "line",
    [
        'external_id = "open-sesame',
        "external_id = open-sesame",
        'external_id "open-sesame"',
        'extrenal_id = "open-sesame',
        'name = "x" external_id = "open-sesame"',
        'name = "x" external_id "open-sesame"',
        "name = x # external_id: open-sesame",
        'accounts = [{ id = 012, external_id = "open-sesame" }]',
        'accounts = [{ id = 012, extrenal_id = "open-sesame" }]',
        '"external_id" = "open-sesame',
        'aws.external_id = "open-sesame',
        'external_id = """\nopen-sesame',
        'external_id = """\nname=open-sesame',
        'external_id = [\n"open-sesame',
    ],
)
def test_no_line_that_may_hold_an_external_id_is_reported(tmp_path: Path, line: str) -> None:
    """Nor one with a key that is not known, which may be a misspelt one of that."""
    file = tmp_path / "fleet.toml"
    file.write_text(f"version = 1\n[aws]\n{line} x\n")
    (message,) = _problems(file)
    assert "is not TOML" in message
    assert "sesame" not in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = " + "9" * 5000, "a number is too long or lists or tables are nested too deeply"),
        ("a = " + "[" * 5000, "a number is too long or lists or tables are nested too deeply"),
        ("a." * 5000 + "a = 1", "lists or tables are nested too deeply"),
        ("a = " + "[" * 100 + "]" * 100, "lists or tables are nested too deeply"),
    ],
    ids=["number", "brackets", "dotted-key", "lists"],
)
def test_beyond_the_parser(tmp_path: Path, text: str, expected: str) -> None:
    """Where Python's own limits end, the file is still only a file with a problem."""
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    assert _problems(file) == [f"fleet.toml: is not TOML: {expected}"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors put a mark before UTF-8, and carriage returns after each line."""
    file = tmp_path / "fleet.toml"
    text = 'version = 1\r\nname = "x"\r\nroutes = []\r\naccounts = [{id = 1}]\r\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert _problems(file)[0].startswith("fleet.toml:4: accounts[0].id: must be a string (found 1)")


def test_no_slip_of_a_finger_shows_an_external_id(tmp_path: Path) -> None:
    """One character too few anywhere in a file, one too many, or the file cut off."""
    text = (
        'version = 1\n[aws]\nrole = "r"\nexternal_id = "open-sesame"\nregions = ["eu-west-1"]\n'
        '[[accounts]]\nid = "111111111111"\naccounts = [{ external_id = """open-sesame""" }]\n'
    )
    file = tmp_path / "fleet.toml"
    broken = 0
    for at in range(len(text)):
        for slip in (text[:at] + text[at + 1 :], f'{text[:at]}"{text[at:]}', text[:at]):
            file.write_text(slip)
            messages = "\n".join(_problems(file))
            broken += "is not TOML" in messages
            assert "sesame" not in messages, slip
    assert broken > len(text)
