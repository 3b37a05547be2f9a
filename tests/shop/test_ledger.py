"""The providers' books: each key once, whoever calls; and what the audit finds in them."""

import threading
from pathlib import Path

import pytest

from shop import audit
from shop.ledger import (
    APOLOGY,
    CHARGE,
    CONFIRMATION,
    DONE,
    REFUND,
    REFUSED,
    SHIPMENT,
    Accepted,
    Entry,
    Ledger,
    cents,
)


def test_a_key_is_booked_once_and_its_repeats_are_counted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = ledger.book(CHARGE, "7", "charge:7", 8990)
    again = Ledger(tmp_path).book(CHARGE, "7", "charge:7", 1, REFUSED)
    assert (again.number, again.cents, again.outcome, again.calls) == (first.number, 8990, DONE, 2)


def test_many_threads_with_one_key_book_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    threads = [
        threading.Thread(target=ledger.book, args=(CHARGE, "7", "charge:7", 100)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _, entries = ledger.rows()
    assert [(e.order_id, e.calls) for e in entries] == [("7", 8)]


def test_accepted_orders_are_numbered_and_kept_once(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.last_accepted() == 0
    for _ in range(2):
        ledger.accept(Accepted(3, "1003", "c-3", 500))
    assert ledger.last_accepted() == 3
    assert Ledger(tmp_path).rows()[0] == [Accepted(3, "1003", "c-3", 500)]


def test_every_ledger_has_a_name_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path / "a"), Ledger(tmp_path / "b")
    assert one.name() == Ledger(tmp_path / "a").name() != other.name()


@pytest.mark.parametrize(
    ("text", "number"), [("89.90", 8990), ("0.01", 1), ("1234567.89", 123456789)]
)
def test_amounts_become_cents_exactly(text: str, number: int) -> None:
    assert cents(text) == number


def entries(*lines: tuple[str, str]) -> list[Entry]:
    return [Entry(n, kind, "7", 100, outcome, 1) for n, (kind, outcome) in enumerate(lines)]


GOOD = [(CHARGE, DONE), (CONFIRMATION, DONE)]


@pytest.mark.parametrize(
    ("lines", "wrong", "missing"),
    [
        ([*GOOD, (SHIPMENT, DONE)], [], []),
        ([(CHARGE, REFUSED), (CONFIRMATION, DONE), (APOLOGY, DONE)], [], []),
        ([*GOOD, (REFUND, DONE), (APOLOGY, DONE)], [], []),
        ([*GOOD, (APOLOGY, DONE)], [], ["refund"]),
        (GOOD, [], ["shipment or apology"]),
        ([], [], ["charge", "confirmation", "shipment or apology"]),
        ([*GOOD, *GOOD[:1], (SHIPMENT, DONE)], ["charge booked 2 times"], []),
        ([*GOOD, (SHIPMENT, DONE), (SHIPMENT, DONE)], ["shipment booked 2 times"], []),
        (
            [(CHARGE, REFUSED), (CONFIRMATION, DONE), (SHIPMENT, DONE)],
            ["shipped without a charge"],
            [],
        ),
        ([*GOOD, (SHIPMENT, DONE), (REFUND, DONE)], ["shipped and refunded"], []),
        (
            [*GOOD, (SHIPMENT, DONE), (APOLOGY, DONE)],
            ["shipped and cancelled"],
            ["refund"],
        ),
        (
            [(CHARGE, REFUSED), (CONFIRMATION, DONE), (REFUND, DONE), (APOLOGY, DONE)],
            ["refunded without a charge"],
            [],
        ),
    ],
)
def test_the_audit_tells_wrong_from_not_yet(
    lines: list[tuple[str, str]], wrong: list[str], missing: list[str]
) -> None:
    rows = entries(*lines)
    assert [v["reason"] for v in audit.violations("7", rows)] == wrong
    assert audit.unfinished(rows) == missing


def test_the_report_sums_up_and_shows_orders_nobody_wrote_down() -> None:
    found = audit.report(
        [Accepted(1, "7", "c-7", 100)],
        [*entries(*GOOD, (SHIPMENT, DONE)), Entry(9, CHARGE, "8", 250, DONE, 3)],
    )
    totals = found["totals"]
    assert (totals["accepted"], totals["charged"], totals["shipped"]) == (1, 2, 1)
    assert (totals["charged_cents"], totals["repeated_calls"]) == (350, 2)
    assert totals["orders_not_in_accepted"] == 1
    assert found["orders"][0]["charged"] == 1
    assert found["unfinished"] == found["violations"] == []
