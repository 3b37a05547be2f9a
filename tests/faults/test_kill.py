"""kill -9 of every process in turn while orders flow and replays run; then the books must agree.

What the console says is compared with two things it did not write: the providers' ledger of the
shop, and what lies on the broker.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.broker_books import FINAL, BrokerBooks
from tests.support.running import NoAnswerError, RunningConsole, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]
ORDERS = 150
LETTERS = 4  # wait for so many before the first process dies
PROCESSES = (
    *("tap", "worker-replay", "worker-sampling", "beat", "web", "summariser", "retention"),
    *("shop-payment", "shop-orders", "redis"),
)
WHILE_BROKEN = PROCESSES  # what is replayed fails again, and dies again
WHILE_MENDED = ("worker-replay", "redis", "shop-payment", "tap")  # what is replayed succeeds
SLOWLY = 1  # sends a second, so that the last replay lasts longer than the killing
PAUSE_S = 2.0
REPLAYS = 12  # at most so many more, until no letter of payment waits
SETTLED = {"succeeded", "stays", "skipped", "failed_again", "handled", "changed", "unsent"}
ENDED = ("complete", "mended")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """After the storm: every process was killed, then all was given the time to end."""
    home = tmp_path_factory.mktemp("faults") / "var"
    orders = {"SHOP_RATE": "90", "SHOP_NUMBER": str(ORDERS), "SHOP_SEED": "4"}
    with RunningConsole(home, **orders) as console:
        console.manage("shop", "incident", "slow-analytics", "off")
        wait_for(lambda: len(waiting(console)) >= LETTERS, "letters of payment")
        for name in WHILE_BROKEN:
            wait_for(lambda: a_replay_runs(console), "a replay that runs")
            kill(console, name)
        wait_for(lambda: not runs(console) and waiting(console), "letters that wait again")
        console.manage("shop", "incident", "payment-release", "off")
        edit_every_second(console)
        replay_what_waits(console, rate_per_s=SLOWLY)
        for name in WHILE_MENDED:
            kill(console, name)
        bring_to_an_end(console)
        yield console


@pytest.fixture(scope="module")
def broker(console: RunningConsole) -> BrokerBooks:
    return BrokerBooks(console.shared("SHOP_REDIS_URL"))


def test_every_order_was_charged_exactly_once(console: RunningConsole) -> None:
    book = console.ledger()
    assert book["violations"] == []
    assert book["unfinished"] == []
    assert len(book["orders"]) == ORDERS
    assert [row for row in book["orders"] if row["charged"] + row["declined"] != 1] == []
    assert book["totals"]["orders_not_in_accepted"] == 0


def test_every_accepted_order_has_its_whole_cascade(console: RunningConsole) -> None:
    wrong = {}
    for order in console.ledger()["orders"]:
        cascade = console.api(f"cascades/{order['correlation_id']}")
        if reasons := what_is_wrong(cascade):
            wrong[order["order_id"]] = reasons
    assert wrong == {}


def test_every_event_of_the_broker_is_stored_once(
    console: RunningConsole, broker: BrokerBooks
) -> None:
    stored: Counter[tuple[str, str]] = Counter()
    for flow in console.every("cascades"):
        for node in console.api(f"cascades/{flow['correlation_id']}")["nodes"]:
            if node["kind"] == "event" and not node["outside"] and node["event_id"]:
                stored[node["source"], node["event_id"]] += 1
    there = broker.events()
    assert there
    assert [each for each, count in stored.items() if count > 1] == []
    assert set(there) - set(stored) == set()
    assert {each for each in stored if each[0].startswith("/shop/")} - set(there) == set()


def test_no_dead_letter_was_lost(console: RunningConsole, broker: BrokerBooks) -> None:
    letters = console.every("dead-letters", state="all")
    died = [row for row in broker.receipts() if row["outcome"] == "dead_lettered"]
    assert died
    known = Counter((row["event_id"] or row["position"], row["consumer"]) for row in letters)
    events = {(row["event_id"], row["consumer"]) for row in died if row["event_id"]}
    assert events - set(known) == set()
    assert [each for each, count in known.items() if count > 1] == []
    places = {(row["stream"], row["position"]) for row in letters}
    assert broker.malformed() - places == set()
    # what still lies on a dead-letter queue is what the console says still waits
    waits = [row for row in letters if row["state"] == "dead"]
    assert len(broker.lying_dead()) >= len(waits)


def test_no_replay_was_sent_twice_unseen(console: RunningConsole, broker: BrokerBooks) -> None:
    items = all_items(console)
    assert [row for row in items if row["state"] not in SETTLED] == []
    assert {row["target"] for row in items if row["target"]} == {"repend", "mark"}
    known = {row["attempt"] for row in items if row["attempt"]}
    put = broker.attempts()
    assert [attempt for attempt, count in put.items() if count > 1] == []
    ends = Counter(
        row["replay_attempt"]
        for row in broker.receipts()
        if row["replay_attempt"] and row["outcome"] in FINAL
    )
    assert ends
    assert {attempt: count for attempt, count in ends.items() if count > 1} == {}
    assert set(put) | set(ends) <= known


def kill(console: RunningConsole, name: str) -> None:
    """Kill the process, wait until another one runs in its place, and a little longer."""
    killed = console.kill(name)
    wait_for(lambda: console.is_back(name, killed), f"another {name}")
    time.sleep(PAUSE_S)


def a_replay_runs(console: RunningConsole) -> bool:
    """Whether a replay is under way; starts one when letters wait and none is."""
    return runs(console) or (replay_what_waits(console) and runs(console))


def runs(console: RunningConsole) -> bool:
    """Whether a replay has members that wait for their turn or their outcome."""
    return int(console.api("replays", state="running")["count"]) > 0


def replay_what_waits(console: RunningConsole, **options: int) -> bool:
    """One replay of the letters of payment that are dead now; False when there is none."""
    found = [row["id"] for row in wait_for(lambda: [waiting(console)], "an answer")[0]]
    if not found:
        return False
    # all at once, whatever fails: what is under test is the batch, not the judgement of its gates
    at_once = {"ramp": [], "most_failed": 100, "choices": {"superseded": "send"}}
    body = {"letters": found, "reason": "fault test", **at_once, **options}
    wait_for(lambda: asked(console, body), "a replay")
    return True


def edit_every_second(console: RunningConsole) -> None:
    """An edited letter takes another way back than an untouched one: both are under test."""
    for row in waiting(console)[::2]:
        headers = console.api(f"dead-letters/{row['id']}/content")["headers"]
        body = {"headers": {**headers, "x-edited": "yes"}, "reason": "fault test"}
        console.api(f"dead-letters/{row['id']}/revisions", body)


def asked(console: RunningConsole, body: dict[str, Any]) -> bool:
    """Whether the replay was taken; letters another replay has meanwhile are refused, and fine."""
    try:
        console.api("replays", body)
    except AssertionError as error:
        assert " 409 " in str(error), error
    except NoAnswerError:
        # whether it was taken is not known: the letters tell
        return not waiting(console)
    return True


def waiting(console: RunningConsole) -> list[dict[str, Any]]:
    return console.every("dead-letters", consumer="payment", state="dead")


def bring_to_an_end(console: RunningConsole) -> None:
    """The last orders come in, what still waits is replayed, what is in doubt is settled."""
    wait_for(lambda: console.ledger()["totals"]["accepted"] == ORDERS, "the last order")
    console.manage("shop", "incident", "poison", "off")
    broker = BrokerBooks(console.shared("SHOP_REDIS_URL"))
    for _ in range(REPLAYS):
        wait_for(lambda: settle_and_look(console, broker), "every replay's end")
        wait_for(lambda: payment_read_all(console), "payment to have read all")
        if not replay_what_waits(console):
            break
    wait_for(lambda: not console.ledger()["unfinished"], "every order's end")
    wait_for(lambda: unfinished(console) == [], "every cascade's end")


def settle_and_look(console: RunningConsole, broker: BrokerBooks) -> bool:
    """Whether every member of every replay is settled; settles what is in doubt as a person would:
    by looking whether it lies on the broker."""
    items = all_items(console)
    for row in items:
        if row["state"] == "maybe_sent":
            sent = row["attempt"] in broker.attempts()
            console.api(f"replay-items/{row['id']}/settle", {"sent": sent, "reason": "looked"})
    return all(row["state"] in SETTLED for row in items)


def all_items(console: RunningConsole) -> list[dict[str, Any]]:
    numbers = [row["id"] for row in console.every("replays")]
    return [item for number in numbers for item in console.api(f"replays/{number}")["items"]]


def payment_read_all(console: RunningConsole) -> bool:
    """Every order was charged or declined, and payment has nothing in hand."""
    totals = console.ledger()["totals"]
    rows = [row for row in console.api("lag")["items"] if row["consumer"] == "payment"]
    idle = bool(rows) and all(row["messages"] == 0 and row["pending"] == 0 for row in rows)
    return idle and totals["charged"] + totals["declined"] == ORDERS


def unfinished(console: RunningConsole) -> list[str]:
    """Accepted orders whose cascade has not reached its end, with its state."""
    state = {row["correlation_id"]: row["status"] for row in console.every("cascades")}
    ids = [row["correlation_id"] for row in console.ledger()["orders"]]
    return [f"{each} {state.get(each)}" for each in ids if state.get(each) not in ENDED]


def what_is_wrong(cascade: dict[str, Any]) -> list[str]:
    """Why this is not the whole story of one order; empty when it is."""
    found = [] if cascade["status"] in ENDED else [f"is {cascade['status']}"]
    types = Counter(node["type"] for node in cascade["nodes"] if node["kind"] == "event")
    found += [f"{number} {name}" for name, number in types.items() if number > 1]
    if types["OrderPlaced"] != 1:
        found.append("no OrderPlaced")
    if types["OrderShipped"] + types["OrderCancelled"] != 1:
        found.append("no end, or two")
    found += [f"missing {node['name']}" for node in cascade["nodes"] if node["kind"] == "missing"]
    return found
