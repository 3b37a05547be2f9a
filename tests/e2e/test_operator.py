"""The operator's job in a real browser: from the overview's sentence to a mended order, then all.

Only what a person has: the browser, the command line, the API. The ledger is the shop's own.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import watched
from tests.support.running import RunningConsole, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
ORDERS = 60
SLOW_MS = 120_000.0  # for what passes through broker, worker and summariser
LETTERS = 3  # wait for so many of the payment group before the work begins
MENDED = ("complete", "mended")
ENDED = {"succeeded", "stays"}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    home = tmp_path_factory.mktemp("operator") / "var"
    with RunningConsole(home, SHOP_RATE="120", SHOP_NUMBER=str(ORDERS), SHOP_SEED="1") as console:
        yield console


def test_the_operator_mends_one_order_then_all(console: RunningConsole, browser: Browser) -> None:
    with watched(browser) as person:
        page = person.page
        person.log_in(console.login_link)
        wait_for(lambda: len(_letters(console)) >= LETTERS, "letters of payment")
        _to_the_group(page, console)
        letter = _mend_one(page, console)
        _order_went_on(page, letter)
        _deploy_the_fix(page)
        replay = _replay_the_group(page, console)
        _every_member_ended(page, console, replay)
        assert person.faults == []
    _every_order_has_its_end(console)


def test_the_link_works_once(console: RunningConsole, browser: Browser) -> None:
    with watched(browser) as stranger:
        stranger.page.goto(console.login_link)
        stranger.page.goto(console.url)
        expect(stranger.page).to_have_url(re.compile("/login"))


def _to_the_group(page: Page, console: RunningConsole) -> None:
    """The sentence says what is wrong, its button leads to the group."""
    page.goto(console.url)
    sentence = page.locator("#say")
    expect(sentence).to_contain_text("Payment has been failing since", timeout=SLOW_MS)
    expect(sentence).to_contain_text("waiting")
    page.get_by_role("link", name="Open the payment group").click()
    expect(page.locator("#h-blast")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("payment")


def _mend_one(page: Page, console: RunningConsole) -> dict[str, Any]:
    """The first letter: correct its payload, look at the diff, save, replay, see it succeed."""
    page.locator("#letters tbody tr").first.locator("a[href]").first.click()
    expect(page).to_have_url(re.compile(r"/dead-letters/\d+"))
    number = int(re.search(r"/dead-letters/(\d+)", page.url)[1])  # type: ignore[index]
    letter: dict[str, Any] = console.api(f"dead-letters/{number}")
    expect(page.get_by_role("region", name="Replay")).to_contain_text("never replayed")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/edit$"))
    _write_currency(page)
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".side-b .add").first).to_contain_text("currency")
    page.get_by_label("Reason").fill("the old app sends no currency; it only sells in euros")
    page.get_by_role("button", name="Save revision").click()
    expect(page.get_by_text("The revision is kept.")).to_be_visible()
    expect(page.get_by_text("Revision 1").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Replay")).click()
    _says(page, "#letter-past", "succeeded")
    _says(page, "#letter-head", "mended")
    return letter


def _says(page: Page, region: str, words: str) -> None:
    """Wait until a live region says these words (a pattern, whatever the case)."""
    expect(page.locator(region)).to_contain_text(re.compile(words, re.IGNORECASE), timeout=SLOW_MS)


def _write_currency(page: Page) -> None:
    """Into the editor, as a person would: after the opening brace."""
    editor = page.locator(".cm-content")
    expect(editor).to_be_visible()
    editor.click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("End")
    page.keyboard.type('"currency": "EUR",')
    payload = page.locator("#payload").input_value()
    assert json.loads(payload)["currency"] == "EUR"


def _order_went_on(page: Page, letter: dict[str, Any]) -> None:
    """The cascade of the mended order runs on to OrderShipped."""
    page.goto(f"{page.url.split('/dead-letters')[0]}/orders/{letter['flow']}")
    _says(page, "#flow", "OrderShipped")
    _says(page, "#flow .head", "complete|mended")


def _deploy_the_fix(page: Page) -> None:
    """The banner's buttons: payment 1.8.1, analytics fast again, no more poison."""
    for button in ("Deploy 1.8.1", "Speed it up", "Stop the supplier"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("button", name=button)).to_have_count(0)
    expect(page.locator("#demo")).to_contain_text("payment 1.8.1 deployed")


def _replay_the_group(page: Page, console: RunningConsole) -> int:
    """Once every order was taken and judged: plan all that waits in the group, look, start."""
    wait_for(lambda: _traffic_ended(console), "the last order")
    wait_for(lambda: _nothing_waits_for_payment(console), "payment to have read all orders")
    page.goto(console.url)
    page.get_by_role("link", name=re.compile("Open the payment group")).click()
    page.get_by_role("button", name=re.compile("Plan replay of all")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("to payment")
    expect(page.locator("#plan")).to_contain_text("every letter is in one class")
    page.get_by_label("Reason").fill("payment 1.8.1 is deployed")
    page.get_by_role("button", name=re.compile("^Start replay")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("payment")
    return int(re.search(r"/replays/(\d+)", page.url)[1])  # type: ignore[index]


def _every_member_ended(page: Page, console: RunningConsole, replay: int) -> None:
    """Succeeded, or skipped as superseded; the page says so by itself."""
    _says(page, "#progress .head", "done")
    account = console.api(f"replays/{replay}")["account"]
    assert set(account) <= ENDED, account
    assert account["succeeded"] > 0
    expect(page.locator("#members")).to_contain_text("Nothing needs a look")
    left = [each for each in _letters(console) if each["state"] != "mended"]
    assert len(left) == account.get("stays", 0)


def _every_order_has_its_end(console: RunningConsole) -> None:
    """The providers' books: each order charged exactly once (or declined once), none twice."""
    book = wait_for(lambda: _closed_book(console), "the last order's end")
    assert book["violations"] == []
    assert len(book["orders"]) == ORDERS
    wrong = [row for row in book["orders"] if row["charged"] + row["declined"] != 1]
    assert wrong == []
    assert book["totals"]["orders_not_in_accepted"] == 0
    wait_for(lambda: _unfinished_flows(console, book) == [], "every cascade's end")


def _closed_book(console: RunningConsole) -> dict[str, Any]:
    """The ledger once no order waits for anything any more; before that nothing."""
    book = console.ledger()
    return {} if book["unfinished"] else book


def _unfinished_flows(console: RunningConsole, book: dict[str, Any]) -> list[str]:
    status = {flow["correlation_id"]: flow["status"] for flow in console.every("cascades")}
    ids = [row["correlation_id"] for row in book["orders"]]
    return [f"{each} {status.get(each)}" for each in ids if status.get(each) not in MENDED]


def _letters(console: RunningConsole) -> list[dict[str, Any]]:
    return console.every("dead-letters", consumer="payment", state="all")


def _traffic_ended(console: RunningConsole) -> bool:
    return int(console.ledger()["totals"]["accepted"]) == ORDERS


def _nothing_waits_for_payment(console: RunningConsole) -> bool:
    """Known by the broker: no message and no pending entry of an order is left for payment."""
    rows = [row for row in console.api("lag")["items"] if row["consumer"] == "payment"]
    done = bool(rows) and all(row["messages"] == 0 and row["pending"] == 0 for row in rows)
    booked = console.ledger()["totals"]
    return done and booked["charged"] + booked["declined"] == ORDERS
