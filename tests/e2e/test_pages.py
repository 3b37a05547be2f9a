"""Every page, wide and on a phone, light and dark: no error, no sideways scroll, nothing for axe.

Pictures of all of them are left in var/screenshots.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import SIZES, THEMES, Watched, watched
from tests.support.running import RunningConsole, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
LETTERS = 3
ORDERS, SEED = 40, 1  # then the pages stand still
FIRST_NUMBER = 1001  # of the shop's orders


@dataclass(frozen=True)
class Places:
    """Where the pages are, and someone who is logged in there."""

    person: Watched
    paths: dict[str, str]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """A shop with letters, a finished replay, and a plan."""
    home = tmp_path_factory.mktemp("pages") / "var"
    orders = {"SHOP_RATE": "120", "SHOP_NUMBER": str(ORDERS), "SHOP_SEED": str(SEED)}
    with RunningConsole(home, **orders) as console:
        wait_for(lambda: len(_dead(console)) >= LETTERS, "letters of payment")
        wait_for(lambda: console.ledger()["totals"]["accepted"] == ORDERS, "the last order")
        yield console


@pytest.fixture(scope="module")
def places(console: RunningConsole, browser: Browser) -> Iterator[Places]:
    paths = {"login": "/login", **_paths(console)}
    with watched(browser) as person:
        person.log_in(console.login_link)
        expect(person.page.locator("#say")).to_be_visible()
        yield Places(person, paths)


def _paths(console: RunningConsole) -> dict[str, str]:
    """One of each kind; the replay failed again, which shows the most."""
    first, second = _dead(console)[:2]
    console.api(f"dead-letters/{first['id']}/revisions", _revision(console, first))
    done = console.api("replays", {"letters": [second["id"]], "reason": "one try"})
    wait_for(lambda: _is_done(console, done["id"]), "the replay's end")
    filter_ = {"consumer": "payment", "state": "dead"}
    plan = console.api("replays", {"filter": filter_, "dry_run": True, "reason": "look first"})
    return {
        "overview": "/",
        "orders": "/orders",
        "cascade": f"/orders/{first['flow']}",
        "cascade-graph": f"/orders/{first['flow']}?view=graph",
        "cascade-table": f"/orders/{first['flow']}?view=table",
        "key": f"/keys/{first['label']}",
        "topology": "/topology",
        "topology-table": "/topology?view=table",
        "groups": "/dead-letters",
        "group": f"/dead-letters/groups/{first['group']}",
        "letter": f"/dead-letters/{first['id']}",
        "letter-malformed": f"/dead-letters/{_malformed(console)['id']}",
        "edit": f"/dead-letters/{first['id']}/edit",
        "replays": "/replays",
        "replay": f"/replays/{done['id']}",
        "plan": f"/replays/{plan['id']}",
        "lag": "/lag",
        "audit": "/audit",
        "settings": "/settings",
        "storage": "/settings/storage",
        "nothing": "/orders?q=no-such-order",
        "orders-found": "/orders?text=EUR&consumer=payment&since=2026-01-01T00:00",
        "orders-none": "/orders?status=failed&type=OrderPlaced&q=no-such-order",
    }


PAGES = (
    *("overview", "orders", "cascade", "cascade-table", "groups", "group", "letter"),
    *("letter-malformed", "edit", "replays", "replay", "plan", "lag", "audit", "settings"),
    *("cascade-graph", "key", "topology", "topology-table", "nothing"),
    *("orders-found", "orders-none", "storage"),
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(console: RunningConsole, places: Places, name: str) -> None:
    _is_sound(places.person, console.url + places.paths[name], name)


def test_the_login_is_sound(console: RunningConsole, browser: Browser) -> None:
    with watched(browser) as stranger:
        _is_sound(stranger, f"{console.url}/login", "login")


def test_the_keyboard_finds_walks_and_opens(console: RunningConsole, places: Places) -> None:
    page = places.person.page
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(console.url + places.paths["group"])
    rows = page.locator("#letters tbody tr a.strong")
    expect(rows.nth(1)).to_be_visible()
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.matches('[data-filter], #q')")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/dead-letters/\d+"))
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/edit$"))


def test_orders_are_filtered_in_the_url_and_a_token_takes_it_away(
    console: RunningConsole, places: Places
) -> None:
    page = places.person.page
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{console.url}/orders")
    page.locator("summary", has_text="More").click()
    page.locator("#filter-text").fill("EUR")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("text=EUR"))
    expect(page.locator("#orders mark").first).to_have_text("EUR")
    page.get_by_label("Take away words in payloads EUR").click()
    expect(page).not_to_have_url(re.compile("text=EUR"))
    expect(page.locator("#orders tbody tr").first).to_be_visible()
    expect(page.locator("#orders mark")).to_have_count(0)


def _is_sound(person: Watched, url: str, name: str) -> None:
    """Look at it in both sizes and themes; everything wrong is told at once."""
    person.faults.clear()
    page = person.page
    page.goto(url)
    wrong: list[Any] = []
    for width, size in SIZES.items():
        for theme in THEMES:
            person.show(theme, size)
            _settle(page)
            person.shoot(f"{name}-{theme}-{width}")
            wrong += [(theme, width, each) for each in person.violations()]
        wrong += [("wider than the window", width, each) for each in person.wider_than_the_window()]
    assert wrong + list(person.faults) == []


def _settle(page: Page) -> None:
    """Until the editor is there, where the page has one."""
    if page.locator("textarea[data-editor]").count():
        expect(page.locator(".cm-content")).to_be_visible()


def _dead(console: RunningConsole) -> list[dict[str, Any]]:
    return console.every("dead-letters", consumer="payment", state="dead")


def _malformed(console: RunningConsole) -> dict[str, Any]:
    letters = console.every("dead-letters", consumer="inventory", state="dead")
    return next(each for each in letters if each["reason"] == "malformed")


def _revision(console: RunningConsole, letter: dict[str, Any]) -> dict[str, Any]:
    """The edit of a script: what the API gives to edit, and a currency."""
    content = console.api(f"dead-letters/{letter['id']}/content")
    payload = {"currency": "EUR", **json.loads(content["payload"])}
    return {"payload": json.dumps(payload, indent=2), "reason": "the old app sells in euros"}


def _is_done(console: RunningConsole, replay: int) -> bool:
    return bool(console.api(f"replays/{replay}")["state"] == "done")
