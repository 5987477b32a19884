"""The page in a real browser: it loads, works by keyboard and without JavaScript, is accessible, and runs no one's text.

One module, with a browser of its own: Playwright leaves an event loop running in its thread as long as it is open.
`SCREENSHOTS=docs/screenshots make test ARGS=tests/web/test_browser.py` writes the pictures of the documentation anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.newsroom import load_desk
from tests.servers import missing
from tests.web.archive import HOSTILE, fill, sources_of
from tests.web.served import Served, serving, settings_in
from tripoint.app.seeds import load_seeds

PATIENCE_MS = 60_000  # for a slow machine; nothing here waits so long where all is well
FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
)
LOOKS = ({"color_scheme": "light", "locale": "en-GB"}, {"color_scheme": "dark", "locale": "vi-VN"})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; nothing is downloaded."""
    program = next((found for name in ("chromium", "chromium-browser") if (found := shutil.which(name))), None)
    if program is None:
        missing("Chromium", "chromium")
    flags = [*FLAGS, "--no-sandbox"] if os.getuid() == 0 else list(FLAGS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@dataclass(slots=True)
class Seen:
    """What went wrong in a tab, and what it asked for."""

    problems: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[tuple[Page, Seen]]:
    """Open a tab that notes each console error, exception, dialog and request."""
    context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, "locale": "en-GB", **options})
    context.set_default_timeout(PATIENCE_MS)
    opened, seen = context.new_page(), Seen()
    opened.on("console", lambda said: seen.problems.append(said.text) if said.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: seen.problems.append(str(error)))
    opened.on("dialog", lambda dialog: (seen.problems.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda request: seen.asked.append(request.url))
    try:
        yield opened, seen
    finally:
        context.close()


def paths(page: Served) -> dict[str, str]:
    """Return the address of each kind of page."""
    number = page.article_of(HOSTILE[0])
    return {
        "stories": "/?days=30",
        "empty stories": "/?days=1&all=true",
        "story": f"/stories/{page.story_of(HOSTILE[0])}",
        "article": f"/articles/{number}",
        "search": "/search?q=officers+OR+s%C4%A9+quan&order=newest",
        "nothing found": "/search?q=zzzz",
        "sources": "/sources",
        "source": f"/sources/{page.seeds.sources[1].name}",
        "alerts": "/alerts",
        "dead alerts": "/alerts?state=dead",
        "calibration": "/calibration?threshold=0.8&days=365",
        "api": "/api/docs",
        "login": "/login",
    }


def look(opened: Page, page: Served, path: str) -> None:
    """Go to a page, and wait until it and its scripts are there."""
    answer = opened.goto(page.address + path)
    assert answer
    assert answer.status == 200


def test_each_page_loads_without_a_complaint_and_is_accessible(page: Served, browser: Browser) -> None:
    axe = Axe()
    violations = []
    for options in LOOKS:
        with tab(browser, **options) as (opened, seen):
            for name, path in paths(page).items():
                look(opened, page, path)
                for details in opened.locator("details").all():
                    details.evaluate("each => each.open = true")
                found = axe.run(opened)
                if found.violations_count:
                    violations.append(f"{name}, {options}: {found.generate_report()}")
                assert opened.locator("h1").count() == 1
            assert seen.problems == []
            assert [each for each in seen.asked if not each.startswith(page.address)] == []
    assert not violations, "\n".join(violations)


def test_a_page_that_is_not_there_is_accessible_too(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, _):
        answer = opened.goto(f"{page.address}/nowhere")
        assert answer
        assert answer.status == 404
        assert Axe().run(opened).violations_count == 0


def test_hostile_titles_are_shown_as_text_and_do_nothing(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, seen):
        for name, path in paths(page).items():
            look(opened, page, path)
            assert opened.title() != "owned", name
            assert opened.evaluate("document.scripts.length") <= 2
            assert opened.locator("main iframe, main img, main b, main i, main svg[onload]").count() == 0
        for title in HOSTILE:
            look(opened, page, f"/articles/{page.article_of(title)}")
            assert opened.locator("h1").inner_text() == " ".join(title.split())
        assert seen.problems == []


def test_no_page_is_wider_than_a_telephone(page: Served, browser: Browser) -> None:
    with tab(browser, viewport={"width": 360, "height": 700}) as (opened, _):
        for name, path in paths(page).items():
            look(opened, page, path)
            wide = opened.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, name


def test_the_keyboard_goes_everywhere(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, _):
        look(opened, page, "/?days=30")
        press, focused = opened.keyboard.press, focus_of(opened)
        press("Tab")
        assert focused("className") == "skip"
        press("Enter")
        assert focused("id") == "main"
        look(opened, page, "/?days=30")
        for _ in range(4):
            press("Tab")
        press("Enter")  # skip link, brand, stories, then search
        opened.wait_for_url("**/search*")
        look(opened, page, "/?days=30")
        press("/")
        assert focused("name") == "q"
        assert opened.locator("input[name=q]").input_value() == ""


def focus_of(opened: Page) -> Callable[[str], object]:
    """Return what tells a property of the element that has the focus."""
    return lambda name: opened.evaluate(f"document.activeElement.{name}")


def test_every_link_and_button_shows_its_focus(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, _):
        look(opened, page, f"/articles/{page.article_of(HOSTILE[0])}")
        reached = set()
        for _ in range(60):
            opened.keyboard.press("Tab")
            outline = opened.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            label = opened.evaluate("document.activeElement.textContent.trim() || document.activeElement.name")
            if opened.evaluate("document.activeElement === document.body"):
                break
            assert outline == "solid", label
            reached.add(label)
        assert {"Yes, relevant", "No, irrelevant", "note", "Tiếng Việt", "Calibration"} <= reached
        note = opened.locator("input[name=note]").first.bounding_box()
        assert note
        assert note["width"] > 100  # it stood beside the heading of its form, one letter wide


def test_the_slider_answers_at_once(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, seen):
        look(opened, page, "/calibration?threshold=0.50&days=365")
        slider = opened.locator("input[type=range]")
        before = opened.locator("#turned code").inner_text()
        slider.focus()
        with opened.expect_response(lambda answer: "threshold=0.51" in answer.url):
            opened.keyboard.press("ArrowRight")
        assert opened.locator("output").inner_text() == "0.51"
        opened.locator("#turned code", has_text="0.51").wait_for()
        assert before.endswith("0.50")
        assert "threshold=0.51" in opened.url
        assert seen.problems == []


def test_the_chart_is_drawn_from_its_table(page: Served, browser: Browser) -> None:
    with tab(browser) as (opened, _):
        look(opened, page, "/")
        opened.locator(".uplot canvas").wait_for()
        assert opened.locator(".uplot").get_attribute("aria-hidden") == "true"
        assert opened.locator("table[data-volume] tbody tr").count() == 30


def test_everything_works_without_javascript(page: Served, browser: Browser) -> None:
    with tab(browser, java_script_enabled=False) as (opened, seen):
        for path in paths(page).values():
            look(opened, page, path)
        look(opened, page, "/")
        assert opened.locator(".chart svg rect").count() == 30
        opened.select_option("select[name=days]", "30")
        opened.get_by_role("button", name="Show").click()
        opened.wait_for_url("**/?days=30")
        look(opened, page, "/calibration?threshold=0.90&days=365")
        opened.get_by_role("button", name="Show").click()
        opened.locator("#turned code", has_text="0.90").wait_for()
        look(opened, page, f"/articles/{page.article_of(HOSTILE[2])}")
        opened.get_by_label("Why (optional)").fill("exercise")
        opened.get_by_role("button", name="Yes, relevant").click()
        opened.get_by_role("status").wait_for()
        opened.get_by_role("button", name="Take it back").click()
        opened.wait_for_url("**thanks=forget*")
        opened.get_by_role("button", name="Tiếng Việt").click()
        opened.locator("html[lang=vi]").wait_for()
        assert seen.problems == []
    assert page.stores.feedback.of_article(page.article_of(HOSTILE[2])) == {}


def test_pictures_for_the_documentation(browser: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    desk = load_desk(now)
    seeds = replace(load_seeds(), sources=sources_of(desk)[:-1])
    with serving(settings_in(tmp_path), seeds) as calm:
        fill(seeds, calm.stores, desk, now, hostile=False)
        told = calm.stores.stories.since(datetime(2020, 1, 1, tzinfo=UTC))
        story = max(told, key=lambda reports: (len({each.language for each in reports}), len(reports)))
        article = next(each.article_id for each in story if each.is_relevant)
        wanted: dict[str, tuple[str, int, dict[str, str]]] = {
            "stories": ("/?days=14", 1100, LOOKS[0]),
            "stories-dark": ("/?days=14", 1100, LOOKS[1]),
            "story": (f"/stories/{story[0].story}", 1100, LOOKS[0]),
            "article": (f"/articles/{article}", 1100, LOOKS[0]),
            "article-narrow-dark": (f"/articles/{article}", 390, {**LOOKS[1], "locale": "en-GB"}),
            "search": ("/search?q=concept:act.exercise+OR+tap+tran", 1100, LOOKS[0]),
            "sources": ("/sources", 1100, LOOKS[0]),
            "alerts": ("/alerts", 1100, LOOKS[0]),
            "calibration-dark": ("/calibration?threshold=0.9&days=365", 1100, {**LOOKS[1], "locale": "en-GB"}),
        }
        for name, (path, width, options) in wanted.items():
            with tab(browser, viewport={"width": width, "height": 820}, **options) as (opened, seen):
                look(opened, calm, path)
                file = folder / f"{name}.png"
                opened.screenshot(path=file)
                assert seen.problems == []
            with Image.open(file) as picture:
                assert picture.size == (width, 820)
                picture.convert("RGB").quantize(200).save(file, optimize=True)
            assert file.stat().st_size > 5_000
