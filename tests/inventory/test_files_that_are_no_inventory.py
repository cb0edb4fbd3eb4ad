"""A file that cannot be read as TOML is one problem, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_repl.errors import InventoryError
from fleet_repl.inventory import parse


def _told(file: Path) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        parse(file, environ={})
    assert raised.value.__context__ is None, "a cause would carry the file's content along"
    return [str(one).replace(str(file), "fleet.toml") for one in raised.value.problems]


def test_no_file(tmp_path: Path) -> None:
    """A path that leads nowhere."""
    assert _told(tmp_path / "fleet.toml") == [
        "fleet.toml: (file): cannot be read: No such file or directory"
    ]


def test_a_folder(tmp_path: Path) -> None:
    """A folder instead of a file."""
    assert _told(tmp_path) == ["fleet.toml: (file): cannot be read: Is a directory"]


def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    """A path that no file system takes."""
    assert _told(tmp_path / "a\0b") == ["fleet.toml: (file): cannot be read: embedded null byte"]


def test_another_encoding(tmp_path: Path) -> None:
    """Latin-1 on the second line."""
    file = tmp_path / "fleet.toml"
    file.write_bytes('version = 1\nname = "größe"\n'.encode("latin-1"))
    assert _told(file) == ["fleet.toml:2: (file): is not UTF-8\n    save the file as UTF-8"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = 1\nname =\n", "2: (file): is not TOML: Invalid value"),
        ("a = 1\n\na = 2\n", "3: (file): is not TOML: Cannot overwrite a value"),
        ("a = [1,\n  2\n\n", "2: (file): is not TOML: Unclosed array"),
    ],
)
def test_broken_toml(tmp_path: Path, text: str, told: str) -> None:
    """The parser's words, and its line even where it says no more than "end of document"."""
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    assert _told(file) == [f"fleet.toml:{told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = " + "9" * 5000, "a number is too long or lists or tables are nested too deeply"),
        ("a = " + "[" * 5000, "a number is too long or lists or tables are nested too deeply"),
        ("a." * 5000 + "a = 1", "lists or tables are nested too deeply"),
        ("a = " + "[" * 100 + "]" * 100, "lists or tables are nested too deeply"),
    ],
    ids=["number", "brackets", "dotted-key", "lists"],
)
def test_beyond_the_parser(tmp_path: Path, text: str, told: str) -> None:
    """Where Python's own limits end, the file is still only a file with a problem."""
    file = tmp_path / "fleet.toml"
    file.write_text(text)
    assert _told(file) == [f"fleet.toml: (file): is not TOML: {told}"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors put a mark before UTF-8, and carriage returns after each line."""
    file = tmp_path / "fleet.toml"
    text = 'version = 1\r\nname = "x"\r\nroutes = []\r\naccounts = [{id = 1}]\r\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert _told(file)[0].startswith("fleet.toml:4: accounts[0].id: must be a string (found 1)")
