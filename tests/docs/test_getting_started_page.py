"""docs/getting-started.md has no command that is not run: by its player, or as README's own."""

from __future__ import annotations

from tests.support.pages import Page

STEPS = (
    *("init", "validate", "sandbox", "bootstrap", "doctor", "accounts", "plan", "apply"),
    *("verify", "drift", "watch", "rollback"),
)


def test_it_is_installed_as_the_readme_says(pages: dict[str, Page]) -> None:
    """Whose first block is run whenever the project is checked. No other block goes unplayed."""
    page, readme = pages["docs/getting-started.md"], pages["README.md"]
    (install,) = [block for block in page.blocks if block.language == "text"]
    made, installed, activated = install.text.splitlines()
    assert readme.blocks[0].text.splitlines()[:2] == [made, installed]
    assert activated == ". .venv/bin/activate"
    assert {block.language for block in page.blocks} == {"text", "console", "toml"}


def test_it_leads_from_nothing_to_a_schedule(pages: dict[str, Page]) -> None:
    """Each command of the first day, in the order in which it is needed."""
    lines = [
        line.split()[2]
        for block in pages["docs/getting-started.md"].blocks
        for line in block.text.splitlines()
        if line.startswith("$ fleet-repl ")
    ]
    first = list(dict.fromkeys(lines))
    assert first == list(STEPS)
