"""A replay while it runs and after: counts that add up, rate, outcomes over time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from dlq import classes, queries
from dlq.models import Item, Replay
from dlq.views import gate_parts, table
from dlq.words import ItemState, ReplayState
from kit import clock, formats

# What needs a person's look, worst first.
LOOK = (
    ItemState.MAYBE_SENT,
    ItemState.FAILED_AGAIN,
    ItemState.NO_RECEIPT,
    ItemState.CHANGED,
    ItemState.UNSENT,
)
SENT = (
    ItemState.SENT,
    ItemState.SUCCEEDED,
    ItemState.FAILED_AGAIN,
    ItemState.SKIPPED,
    ItemState.HANDLED,
    ItemState.NO_RECEIPT,
)
FLYING = (ItemState.SENDING, ItemState.SENT, ItemState.MAYBE_SENT)
# The account: state and the fill of its part of the bar, in this order.
ACCOUNT = (
    (ItemState.SUCCEEDED, "ok"),
    (ItemState.SKIPPED, "ok"),
    (ItemState.HANDLED, "ok"),
    (ItemState.FAILED_AGAIN, "bad"),
    (ItemState.NO_RECEIPT, "warn"),
    (ItemState.MAYBE_SENT, "warn"),
    (ItemState.SENT, "hatch"),
    (ItemState.SENDING, "hatch"),
    (ItemState.WAITING, "pale"),
    (ItemState.UNSENT, "pale"),
    (ItemState.CHANGED, "idle"),
    (ItemState.HELD, "warn"),
    (ItemState.STAYS, "idle"),
)
ALWAYS = {ItemState.SUCCEEDED, ItemState.FAILED_AGAIN, ItemState.SENT, ItemState.MAYBE_SENT}
RATES = (0, 1, 3, 10, 50, 200)  # sends a second to choose from; 0 is as fast as it goes
WINDOW = timedelta(seconds=10)  # the rate is of what was settled within it
CHART_MEMBERS = 5_000  # outcomes of more are not drawn one by one
BUCKETS = 34


def context(replay: Replay) -> dict[str, Any]:
    """Everything of the progress region."""
    counts = classes.account(replay)
    total = sum(counts.values())
    members = total - counts[ItemState.STAYS] - counts[ItemState.CHANGED]
    sent = sum(counts[state] for state in SENT)
    gates = gate_parts.passing(replay)
    return {
        "total": total,
        "members": members,
        "sent": sent,
        "bar": bar(counts),
        "words": words(counts),
        "account": [
            {"state": state.value, "letters": counts[state]}
            for state, _ in ACCOUNT
            if counts[state] or state in ALWAYS
        ],
        "is_live": is_live(replay),
        "is_running": replay.state == ReplayState.RUNNING,
        "is_paused": replay.state == ReplayState.PAUSED,
        "rates": [(n, f"{n} a second" if n else "as fast as it goes") for n in RATES],
        "needs_acceptance": replay.plan.get("needs_acceptance") and not replay.accept_others,
        "log": queries.log_of(replay.pk),
        "held": [(fate.value, n) for fate, n in classes.held(replay.pk).items()],
        **_speed(replay, counts[ItemState.WAITING] + sum(counts[s] for s in FLYING)),
        **gates,
        **_chart(replay, total, gates["gate_marks"]),
    }


def bar(counts: Mapping[ItemState, int]) -> list[tuple[str, int]]:
    """The parts of a share bar."""
    return [(fill, counts[state]) for state, fill in ACCOUNT]


def words(counts: Mapping[ItemState, int]) -> str:
    """`121 succeeded, 2 failed again, 5 without a receipt yet`."""
    named = (
        (counts[ItemState.SUCCEEDED], "succeeded"),
        (counts[ItemState.SKIPPED], "handled before"),
        (counts[ItemState.HANDLED], "handled, inferred"),
        (counts[ItemState.FAILED_AGAIN], "failed again"),
        (counts[ItemState.SENDING] + counts[ItemState.SENT], "without a receipt yet"),
        (counts[ItemState.NO_RECEIPT], "without a receipt"),
        (counts[ItemState.MAYBE_SENT], "maybe sent"),
        (counts[ItemState.STAYS], "stay as they are"),
        (counts[ItemState.HELD], "held"),
        (counts[ItemState.CHANGED], "changed since"),
        (counts[ItemState.WAITING], "to go"),
        (counts[ItemState.UNSENT], "not sent"),
    )
    return ", ".join(f"{formats.count(n)} {word}" for n, word in named if n) or "no members"


def is_live(replay: Replay) -> bool:
    """Whether anything may still change by itself."""
    if replay.state in (ReplayState.RUNNING, ReplayState.PAUSED):
        return True
    return Item.objects.filter(replay=replay, state__in=FLYING).exists()


def row(item: Item) -> dict[str, Any]:
    """One member in the list."""
    after = (
        (item.settled_at - item.sent_at).total_seconds()
        if item.settled_at and item.sent_at
        else None
    )
    return {
        "item": item,
        "letter": item.letter,
        "name": table.name(item.letter),
        "why": item.evidence or item.why,
        "after": after,
        "is_in_doubt": item.state == ItemState.MAYBE_SENT,
    }


def _speed(replay: Replay, left: int) -> dict[str, Any]:
    now = clock.now()
    took = (replay.ended_at or now) - replay.started_at if replay.started_at else None
    settled = Item.objects.filter(replay=replay, settled_at__gte=now - WINDOW).count()
    rate = settled / WINDOW.total_seconds()
    running = replay.state == ReplayState.RUNNING
    return {
        "rate": rate if running else None,
        "left_s": left / rate if running and rate else None,
        "took_s": took.total_seconds() if took else None,
    }


def _chart(replay: Replay, total: int, gates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Outcomes in equal slots since the start; none before the first and none of very many."""
    if replay.started_at is None or total > CHART_MEMBERS:
        return {"chart": None}
    good = (ItemState.SUCCEEDED, ItemState.SKIPPED, ItemState.HANDLED)
    bad = (ItemState.FAILED_AGAIN, ItemState.NO_RECEIPT)
    found = list(
        Item.objects.filter(replay=replay, state__in=good + bad, settled_at__gte=replay.started_at)
        .order_by("settled_at")
        .values_list("state", "settled_at")
    )
    if not found:
        return {"chart": None}
    ages = [((at - replay.started_at).total_seconds(), s in bad) for s, at in found if at]
    width = max(1, -(-int(ages[-1][0] + 1) // BUCKETS))
    slots = int(ages[-1][0] // width) + 1
    all_, failed = [0] * slots, [0] * slots
    for age, is_bad in ages:
        all_[int(age // width)] += 1
        failed[int(age // width)] += is_bad
    ok = [whole - part for whole, part in zip(all_, failed, strict=True)]
    return {
        "chart": {
            # one more moment, so that the last bar has its width
            "x": [width * at for at in range(slots + 1)],
            "seconds": True,
            "axis": 26,
            "range": [0, max(4, *all_)],
            "marks": [
                {"t": (gate["at"] - replay.started_at).total_seconds(), "text": gate["text"]}
                for gate in gates
            ],
            "series": [
                {"name": "failed", "y": [*all_, None], "bars": 1, "tone": "--c-bad-fill"},
                {"name": "ok", "y": [*ok, None], "bars": 1, "tone": "--c-ok-fill"},
            ],
        },
    }
