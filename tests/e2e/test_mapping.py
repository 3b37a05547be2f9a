"""A foreign stream mapped in a real browser while the tap runs: proposed, changed, saved, seen."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import SIZES, THEMES, Watched, watched
from tests.support.running import RunningConsole, wait_for
from tests.tracing.test_suggest import chain, uuid

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
STREAM = "legacy.parcels"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """The demo with few orders of its own, and a stream that another program writes."""
    home = tmp_path_factory.mktemp("mapping") / "var"
    with RunningConsole(home, SHOP_NUMBER="1", SHOP_SEED="1") as console:
        for number in range(9):
            _publish(console, number)
        yield console


def test_a_stream_is_mapped_while_it_is_read(console: RunningConsole, browser: Browser) -> None:
    with watched(browser) as person:
        page = person.page
        person.log_in(console.login_link)
        page.goto(f"{console.url}/settings")
        page.get_by_role("link", name="shop", exact=True).click()
        page.get_by_role("link", name=f"Map this stream: {STREAM}").click()
        expect(page.get_by_role("heading", name=f"Map {STREAM}")).to_be_visible()
        expect(page.get_by_label("ID", exact=True)).to_have_value("/meta/eventId")
        expect(page.locator("#tried")).to_contain_text("9 of 9 fit")
        _is_sound(person, "mapping")
        _what_is_typed_is_tried(page)
        page.get_by_role("button", name="Save mapping").click()
        expect(page.get_by_text("The mapping is saved.")).to_be_visible()
        expect(page.get_by_text("Saved by")).to_be_visible()
        wait_for(lambda: _is_in_force(console), "the tap reading by it")
        _publish(console, 9)
        _publish(console, 10)
        wait_for(lambda: len(_nodes(console, uuid(9003))) >= 2, "the mapped flow")
        found = console.api(f"cascades/{uuid(9003)}")
        assert {(edge["from"], edge["to"], edge["evidence"]) for edge in found["edges"]} >= {
            (_node(found, "placed"), _node(found, "paid"), "causation")
        }
        assert "order:4703" in found["keys"]
        page.goto(f"{console.url}/settings/mapping/shop")
        expect(page.locator("#streams")).to_contain_text(f"the mapping of {STREAM}")
        _is_sound(person, "streams")
        page.get_by_role("link", name=f"Mapping of {STREAM}").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(page.get_by_text("is deleted. Stored events stay.")).to_be_visible()
        assert person.faults == []


def _what_is_typed_is_tried(page: Page) -> None:
    """Each change is tried at once, the focus stays, and the URL keeps it."""
    field = page.get_by_label("ID", exact=True)
    field.fill("/meta/eventIx")
    expect(page.locator("#tried")).to_contain_text("9 of 9 do not fit")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile("eventIx"))
    field.fill("meta")
    expect(page.locator("#tried [role=alert]")).to_contain_text("a pointer /a/b")
    field.fill("/meta/eventId")
    expect(page.locator("#tried")).to_contain_text("9 of 9 fit")


def _is_sound(person: Watched, name: str) -> None:
    for theme in THEMES:
        for width, size in SIZES.items():
            person.show(theme, size)
            person.shoot(f"{name}-{width}-{theme}")
            assert person.wider_than_the_window() == []
            assert person.violations() == []
    person.show("light", SIZES["1280"])


def _publish(console: RunningConsole, number: int) -> None:
    client = redis.Redis.from_url(console.shared("SHOP_REDIS_URL"))
    more = {"password": "hunter2", "mail": "ann@example.org"}
    client.xadd(STREAM, {"payload": json.dumps(chain(number, **more))})
    client.close()


def _is_in_force(console: RunningConsole) -> bool:
    """Whether a running tap has picked it up: asked with messages of a flow of their own."""
    _publish(console, 30)
    return bool(_nodes(console, uuid(9010)))


def _nodes(console: RunningConsole, flow: str) -> list[Any]:
    """The nodes of a flow; none while it was not seen."""
    listed = console.api("cascades", q=flow)["items"]
    return list(console.api(f"cascades/{flow}")["nodes"]) if listed else []


def _node(found: dict[str, Any], kind: str) -> str:
    return next(str(node["id"]) for node in found["nodes"] if kind in json.dumps(node))
