"""A plan: every letter in one class, who receives them, what their attempts already did."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from dlq import classes, plan
from dlq.classes import Class
from dlq.models import Item, Replay
from dlq.views import gate_parts
from dlq.words import Choice, Fate
from kit import formats
from kit.permissions import Permission
from kit.security import may
from tracing.queries import effects_of

LOOKED_AT = 500  # members whose effects are looked up
WHY = {
    Fate.READY: "nothing newer of the same key was handled",
    Fate.SUPERSEDED: "a newer event of the same key was handled since",
    Fate.SUCCEEDED: "its consumer succeeded with this event another way",
    Fate.EXPIRED: "the event says that it is worth nothing any more",
    Fate.OFTEN: "earlier replays did not mend it: an admin may release it",
    Fate.NOWHERE: "look at it, export it, give it a target; then plan again",
    Fate.CHANGED: "changed or settled after the plan was made: it stays out",
}
FILLS = {
    Fate.READY: "work",
    Fate.SUPERSEDED: "pale",
    Fate.SUCCEEDED: "ok",
    Fate.EXPIRED: "hatch",
    Fate.OFTEN: "bad",
    Fate.NOWHERE: "idle",
    Fate.CHANGED: "warn",
}


def plan_context(request: HttpRequest, replay: Replay) -> dict[str, Any]:
    """Everything of the plan's page."""
    found = classes.classes(replay)
    sent = [each for each in found if each.choice is Choice.SEND]
    asked = sum(each.letters for each in found if each.choice is Choice.ASK)
    to_send, total = sum(each.letters for each in sent), sum(each.letters for each in found)
    may_release = may(request, Permission.RELEASE)
    return {
        "total": total,
        "to_send": to_send,
        "asked": asked,
        "stay": total - to_send - asked,
        "bar": [(FILLS[each.name], each.letters) for each in found],
        "bar_words": ", ".join(f"{each.letters:,} {each.name}" for each in found if each.letters),
        "classes": [
            _class(each, may_release=may_release)
            for each in found
            if each.letters or each.name is Fate.READY
        ],
        "choices": [choice.value for choice in Choice],
        "value": _money(_sum(sent)),
        "is_classified": plan.is_classified(replay),
        "classified": replay.plan.get("classified", 0),
        "receivers": replay.plan["receivers"],
        "left_out": sum(replay.plan["left_out"].values()),
        "others": sorted({name for row in replay.plan["receivers"] for name in row["others"]}),
        **gate_parts.planned(replay, to_send),
        **_effects(replay, total),
    }


def _class(each: Class, *, may_release: bool) -> dict[str, Any]:
    locked = each.name is Fate.OFTEN and not may_release
    return {
        "name": each.name.value,
        "choice": each.choice.value,
        "may_choose": classes.may_choose(each.name) and not locked,
        "letters": each.letters,
        "value": _money(each.amounts),
        "why": WHY[each.name],
        "examples": each.examples,
    }


def _sum(found: Sequence[Class]) -> dict[str, Decimal]:
    amounts: dict[str, Decimal] = {}
    for each in found:
        for currency, amount in each.amounts.items():
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
