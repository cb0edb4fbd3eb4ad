"""Reports as their readers open them: in a browser, by mouse, by keyboard, and on paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.browser.conftest import Open, Opened
from tests.support.plans import plan_of
from tests.support.registries import registry_of

from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.plan import RegistryPlan, State, Warning
from fleet_repl.reports.to_json import Document
from fleet_repl.values.errors import Fault, FaultKind

HOSTILE = (
    "</script><script>alert(1)</script><img src=http://192.0.2.1/x onerror=alert(2)>"
    "<svg onload=alert(3)>\" onfocus=alert(4) autofocus x='\u202egnp.\u2066\x1b[31m{{7*7}}${8*8}"
)


def shown(page: Any) -> int:
    return int(page.locator("tbody.entry:not([hidden])").count())


def check_quiet(opened: Opened, path: Path) -> None:
    """Nothing was said on the console, and nothing but the file was asked for."""
    assert opened.console == []
    assert opened.requests == [path.as_uri()]


def test_rows_are_filtered(opened: Open, storm: Path) -> None:
    """By words, by outcome, and by the numbers at the top."""
    with opened(storm) as browser:
        page = browser.page
        assert page.get_by_role("status").inner_text() == "21 of 21 shown"
        page.get_by_label("Text").fill("TOOLS-secure eu-west-1")
        page.get_by_text("1 of 21 shown", exact=True).wait_for()
        assert page.locator("tbody.entry:not([hidden])").inner_text().startswith("tools-secure")
        page.get_by_label("Text").fill("")
        page.get_by_text("21 of 21 shown", exact=True).wait_for()
        page.get_by_label("Outcome").select_option("failed")
        assert shown(page) == 5
        page.get_by_label("Region").select_option("eu-west-1")
        assert shown(page) == 2
        page.get_by_label("Region").select_option("all")
        page.locator(".tile button", has_text="held").click()
        assert shown(page) == 1
        assert page.locator("tbody.entry:not([hidden])").inner_text().startswith("build")
        check_quiet(browser, storm)


def test_a_row_opens(opened: Open, storm: Path) -> None:
    """To its error with remedy and request id, and to the difference of its documents."""
    with opened(storm) as browser:
        page = browser.page
        button = page.get_by_role("button", name="search-stage").first
        details = page.locator(f"#{button.get_attribute('aria-controls')}")
        assert not details.is_visible()
        button.focus()
        page.keyboard.press("Enter")
        assert button.get_attribute("aria-expanded") == "true"
        text = details.inner_text()
        for words in ("AccessDeniedException", "Request id", "add this to a policy of"):
            assert words in text
        assert details.locator("ins").first.inner_text() == "+ {"
        button.press("Enter")
        assert not details.is_visible()
        page.get_by_role("button", name="Open all shown").click()
        assert page.locator("tr.more:visible").count() == 21
        check_quiet(browser, storm)


def test_the_matrix_is_walked_with_the_arrow_keys(opened: Open, storm: Path) -> None:
    """Each cell shows the ends of its links, their state and their prefixes."""
    with opened(storm) as browser:
        page = browser.page
        page.locator("td.cell[tabindex='0']").focus()
        focused = page.locator("td.cell:focus .tip")
        assert focused.inner_text().startswith("tools-build eu-west-1 → tools-observe eu-west-1")
        page.keyboard.press("ArrowRight")
        assert focused.inner_text().startswith("tools-build eu-west-1 → tools-secure eu-west-1")
        page.keyboard.press("ArrowDown")
        assert "tools-observe eu-west-1 → tools-secure eu-west-1" in focused.inner_text()
        page.locator("td.cell.t-held").first.hover()
        tip = page.locator("td.cell.t-held .tip").first
        assert tip.bounding_box()["width"] > 100
        assert "held; base/, golden/" in tip.inner_text()
        check_quiet(browser, storm)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_a_page(opened: Open, storm: Path, faults: Any, scheme: str) -> None:
    """axe-core finds no serious fault, with all rows open and closed, in either scheme."""
    with opened(storm, color_scheme=scheme) as browser:
        for _ in ("closed", "open"):
            assert faults(browser) == []
            browser.page.get_by_role("button", name="Open all shown").click()


def test_a_hostile_fleet_does_nothing(opened: Open, written: Callable[[Document], Path]) -> None:
    """Its names are shown as they are: no script runs, nothing is loaded, no text is turned."""
    fault = Fault(
        kind=FaultKind.ACCESS_DENIED,
        operation=HOSTILE,
        message=HOSTILE,
        request_id=HOSTILE,
        hint=f"{HOSTILE}\n{HOSTILE}",
    )
    hub, spoke = registry_of(1), registry_of(2)
    held = HeldLink(destination=spoke, prefixes=(HOSTILE,), because=HOSTILE)
    plan = plan_of(
        RegistryPlan(registry=hub, name=HOSTILE, wave=HOSTILE, state=State.UNCHANGED, held=(held,)),
        RegistryPlan(registry=spoke, name=HOSTILE, state=State.UNREADABLE, error=fault),
        fleet=HOSTILE,
        warnings=(Warning(kind="unlinked", message=HOSTILE),),
    )
    path = written(plan)
    with opened(path) as browser:
        page = browser.page
        page.get_by_role("button", name="Open all shown").click()
        page.locator("td.cell").first.hover()
        assert page.locator("script, img, iframe, [onload], [onerror], [onfocus]").count() == 1
        text = page.locator("body").inner_text()
        assert (
            HOSTILE.replace("\u202e", "\\u202e")
            .replace("\u2066", "\\u2066")
            .replace("\x1b", "\\x1b")
            in text
        )
        assert not {"\u202e", "\u2066", "\x1b"} & set(text)
        check_quiet(browser, path)


def test_a_page_works_without_its_script(opened: Open, storm: Path) -> None:
    """All rows are open then, and there are no filters."""
    with opened(storm, java_script_enabled=False) as browser:
        assert browser.page.locator("tr.more").first.is_visible()
        assert not browser.page.locator(".filters").is_visible()


def test_what_is_shown_is_printed(opened: Open, storm: Path) -> None:
    """Without filters, and without anything that would have to be scrolled."""
    with opened(storm) as browser:
        page = browser.page
        page.get_by_label("Outcome").select_option("failed")
        page.emulate_media(media="print")
        assert not page.locator(".filters").is_visible()
        assert shown(page) == 5
        assert page.locator(".scroll.matrix").evaluate("e => getComputedStyle(e).overflow") == (
            "visible"
        )
        check_quiet(browser, storm)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_thousand_registries_are_filtered(
    opened: Open, written: Callable[[Document], Path], faults: Any, scheme: str
) -> None:
    """A large fleet is a page as any other, with a link to the rest, which can be seen."""
    path = written(
        plan_of(
            *(
                RegistryPlan(
                    registry=registry_of(number), name=f"app-{number}", state=State.UNCHANGED
                )
                for number in range(1, 3001)
            )
        )
    )
    with opened(path, color_scheme=scheme) as browser:
        page = browser.page
        assert "2,000 of 3,000 registries are listed" in page.locator(".cut").inner_text()
        link = page.get_by_role("link", name="page.csv")
        assert link.evaluate("link => link.href") == path.with_suffix(".csv").as_uri()
        page.get_by_label("Text").fill("app-1999")
        page.get_by_text("1 of 2,000 shown", exact=True).wait_for()
        check_quiet(browser, path)
        assert faults(browser) == []
