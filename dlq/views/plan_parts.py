"""A plan: every letter in one class, who receives them, what their attempts already did."""

from decimal import Decimal
from typing import Any

from dlq import classes, plan
from dlq.classes import CHANGED, READY, SUPERSEDED, Class
from dlq.models import Item, Replay
from dlq.views import gate_parts
from kit import formats
from tracing.queries import effects_of

LOOKED_AT = 500  # members whose effects are looked up
WHY = {
    READY: ("ready", "nothing newer of the same key was handled"),
    SUPERSEDED: ("superseded", "a newer event of the same key was handled since"),
    CHANGED: ("changed", "changed or settled after the plan was made: it stays out"),
}
FILLS = {READY: "work", SUPERSEDED: "pale", CHANGED: "warn"}


def plan_context(replay: Replay) -> dict[str, Any]:
    """Everything of the plan's page."""
    found = classes.classes(replay.pk)
    by_name = {each.name: each for each in found}
    ready, newer = by_name[READY], by_name[SUPERSEDED]
    sent = ready.letters + (newer.letters if replay.include_superseded else 0)
    total = sum(each.letters for each in found)
    return {
        "total": total,
        "to_send": sent,
        "stay": total - sent,
        "bar": [(FILLS[each.name], each.letters) for each in found],
        "bar_words": ", ".join(f"{each.letters:,} {each.name}" for each in found),
        "classes": [_class(each) for each in found if each.letters or each.name == READY],
        "value": _money(_added(ready, newer if replay.include_superseded else None)),
        "is_classified": plan.is_classified(replay),
        "classified": replay.plan.get("classified", 0),
        "receivers": replay.plan["receivers"],
        "left_out": sum(replay.plan["left_out"].values()),
        "others": sorted({name for row in replay.plan["receivers"] for name in row["others"]}),
        **gate_parts.planned(replay, sent),
        **_effects(replay, total),
    }


def _class(each: Class) -> dict[str, Any]:
    state, why = WHY[each.name]
    return {
        "name": each.name,
        "state": state,
        "letters": each.letters,
        "value": _money(each.amounts),
        "why": why,
        "examples": each.examples,
    }


def _added(one: Class, other: Class | None) -> dict[str, Decimal]:
    amounts = dict(one.amounts)
    for currency, amount in (other.amounts if other else {}).items():
        amounts[currency] = amounts.get(currency, Decimal(0)) + amount
    return amounts


def _money(amounts: dict[str, Decimal]) -> str:
    known = [formats.money(amount, currency) for currency, amount in sorted(amounts.items())]
    return " + ".join(known) or formats.UNKNOWN


def _effects(replay: Replay, total: int) -> dict[str, Any]:
    """Events that the failed attempts of these members published, by type."""
    members = Item.objects.filter(replay=replay).order_by("pk")[:LOOKED_AT]
    pairs = members.values_list("letter__event_identity", "letter__consumer")
    found = effects_of([(bytes(identity), consumer) for identity, consumer in pairs])
    return {
        "effects": sorted(found.types.items(), key=lambda pair: -pair[1]),
        "receipts": found.receipts,
        "looked_at": min(total, LOOKED_AT),
    }
