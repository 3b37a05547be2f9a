"""The shell in a real browser under the product's own Content-Security-Policy."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.shell import urls

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # playwright's loop runs in this thread; the database is only touched around it
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def address(settings: Any, live_server: Any) -> str:
    settings.ROOT_URLCONF = "tests.e2e.shell.urls"
    settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware"]
    templates = dict(settings.TEMPLATES[0])
    templates["DIRS"] = [HERE / "shell" / "templates", *templates["DIRS"]]
    templates["OPTIONS"] = {
        "context_processors": ["django.template.context_processors.request"],
    }
    settings.TEMPLATES = [templates]
    urls.world.update(letters=3, fails=False, nav={"lag": 1, "dead_letters": 228})
    return str(live_server.url)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened; it must not have said anything wrong."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    said: list[str] = []

    def listen(line: ConsoleMessage) -> None:
        if line.type == "error":
            said.append(line.text)

    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", listen)
    answer = page.goto(address)
    assert answer is not None
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    yield page
    page.close()
    assert [line for line in said if "500" not in line] == []


def test_the_page_is_drawn_under_the_strict_policy(page: Page) -> None:
    expect(page.get_by_role("navigation", name="Main")).to_contain_text("Dead letters")
    assert page.evaluate("document.fonts.check('13px Inter')")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(247, 247, 248)"


def test_a_region_follows_and_keeps_what_was_chosen(page: Page) -> None:
    page.get_by_label("Select letter-1").check()
    urls.world["letters"] = 4
    expect(page.locator("#letters tbody tr")).to_have_count(4)
    expect(page.get_by_label("Select letter-1")).to_be_checked()
    expect(page.locator("[data-chosen]")).to_have_text("1 selected")


def test_an_unchanged_region_is_answered_304(page: Page) -> None:
    with page.expect_response(lambda response: response.status == 304):
        pass


def test_a_pause_asks_no_more_until_it_ends(page: Page) -> None:
    expect(page.locator("#live")).to_contain_text("Live")
    page.keyboard.press("p")
    expect(page.locator("#live")).to_contain_text("Paused")
    page.wait_for_timeout(300)  # an answer under way may still come
    before = next(urls.asked)
    page.wait_for_timeout(700)
    assert next(urls.asked) == before + 1
    urls.world["letters"] = 5
    page.keyboard.press("p")
    expect(page.locator("#letters tbody tr")).to_have_count(5)


def test_a_failure_is_said_and_the_old_numbers_stay_dimmed(page: Page) -> None:
    urls.world["fails"] = True
    expect(page.locator("#trouble")).to_contain_text("The console answered 500")
    expect(page.locator("#letters tbody tr")).to_have_count(3)
    assert "dim" in (page.locator("#letters").get_attribute("class") or "")
    urls.world["fails"] = False
    expect(page.locator("#trouble")).to_be_hidden()


def test_the_keyboard_walks_selects_asks_and_helps(page: Page) -> None:
    for key in "jjx":
        page.keyboard.press(key)
    expect(page.get_by_label("Select letter-1")).to_be_checked()
    page.keyboard.press("d")
    expect(page.locator("#ask")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("jd")
    expect(page.locator("#q")).to_have_value("jd")


def test_the_theme_stays(page: Page) -> None:
    page.get_by_role("button", name="Switch between light and dark").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_the_editor_writes_into_the_field_that_is_sent(page: Page) -> None:
    content = page.locator(".cm-content")
    expect(content).to_have_attribute("aria-label", "Payload")
    expect(page.locator(".cm-changedLine")).to_have_count(1)
    content.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("!")
    expect(page.locator("#payload")).to_have_value(urls.RIGHT + "!")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)


def test_a_phone_has_its_pages_under_the_thumb(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="More").click()
    expect(page.get_by_role("navigation", name="More")).to_contain_text("Replays")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
