"""The books compared with what was promised. Pure: rows in, findings out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

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
)


def report(accepted: Sequence[Accepted], entries: Sequence[Entry]) -> dict[str, Any]:
    """Totals, one row an order, `violations` (never right) and `unfinished` (not yet at an end)."""
    booked: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        booked[entry.order_id].append(entry)
    unknown = set(booked) - {a.order_id for a in accepted}
    return {
        "totals": _totals(accepted, entries, len(unknown)),
        "violations": [v for order_id, rows in booked.items() for v in violations(order_id, rows)],
        "unfinished": [
            {"order_id": a.order_id, "missing": missing}
            for a in accepted
            if (missing := unfinished(booked[a.order_id]))
        ],
        "orders": [_order_row(a, booked[a.order_id]) for a in accepted],
    }


def violations(order_id: str, rows: Iterable[Entry]) -> list[dict[str, str]]:
    """What must never be, whether the order is at its end or under way."""
    done = Counter(e.kind for e in rows if e.outcome == DONE)
    tried = Counter(e.kind for e in rows)
    found = [f"{kind} booked {count} times" for kind, count in sorted(tried.items()) if count > 1]
    if done[SHIPMENT] and not done[CHARGE]:
        found.append("shipped without a charge")
    if done[SHIPMENT] and done[REFUND]:
        found.append("shipped and refunded")
    if done[SHIPMENT] and done[APOLOGY]:
        found.append("shipped and cancelled")
    if done[REFUND] and not done[CHARGE]:
        found.append("refunded without a charge")
    return [{"order_id": order_id, "reason": reason} for reason in found]


def unfinished(rows: Iterable[Entry]) -> list[str]:
    """What an accepted order still waits for; empty at its end.

    An end is: charged and shipped, or an apology and no money kept.
    """
    done = Counter(e.kind for e in rows if e.outcome == DONE)
    tried = {e.kind for e in rows}
    missing = [kind for kind in (CHARGE, CONFIRMATION) if kind not in tried]
    if not done[SHIPMENT] and not done[APOLOGY]:
        missing.append("shipment or apology")
    if done[APOLOGY] and done[CHARGE] and not done[REFUND]:
        missing.append(REFUND)
    return missing


def _order_row(accepted: Accepted, rows: Iterable[Entry]) -> dict[str, Any]:
    of_kind: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in rows:
        of_kind[entry.kind].append(entry)
    charges = of_kind[CHARGE]
    return {
        "order_id": accepted.order_id,
        "correlation_id": accepted.correlation_id,
        "total_cents": accepted.cents,
        "charged": sum(e.outcome == DONE for e in charges),
        "declined": sum(e.outcome == REFUSED for e in charges),
        "charge_calls": sum(e.calls for e in charges),
        "refunded": len(of_kind[REFUND]),
        "shipped": len(of_kind[SHIPMENT]),
        "mails": [k for k in (CONFIRMATION, APOLOGY) for _ in of_kind[k]],
    }


def _totals(accepted: Sequence[Accepted], entries: Sequence[Entry], unknown: int) -> dict[str, int]:
    done = Counter(e.kind for e in entries if e.outcome == DONE)
    money: Counter[str] = Counter()
    for entry in entries:
        if entry.outcome == DONE:
            money[entry.kind] += entry.cents
    return {
        "accepted": len(accepted),
        "charged": done[CHARGE],
        "declined": sum(e.outcome == REFUSED for e in entries),
        "refunded": done[REFUND],
        "shipped": done[SHIPMENT],
        "confirmations": done[CONFIRMATION],
        "apologies": done[APOLOGY],
        "repeated_calls": sum(e.calls - 1 for e in entries),
        "charged_cents": money[CHARGE],
        "refunded_cents": money[REFUND],
        # booked for orders whose 202 nobody wrote down (the traffic was killed in between)
        "orders_not_in_accepted": unknown,
    }
