"""A replay before it runs: frozen members, a class for each, and who will receive them.

`Replay.plan` holds:
    token              what makes the attempts of this replay unique on the broker
    letters            members at the freeze
    left_out           {state: letters} that were chosen but are not dead
    classified         members looked at so far; `classified_to` the last item's id
    classified_at      when all were looked at (RFC 3339), else null
    receivers          [{broker, topic, consumer, edited, letters, target, why, others}]
    needs_acceptance   some go to a whole topic that other consumers read (promise 6)
    outcomes           the account once it is over: {state: members}
    why_not_durable    why a crash of the broker may lose a send that was answered; "" if not
"""

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from django.db import connection
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Concat, LPad, StrIndex, Substr

from brokers.contract import BrokerError
from dlq import ramp
from dlq.models import Group, Item, Letter, Replay, Revision
from dlq.refusals import Refused
from dlq.targets import Kind, Routes, allowed
from dlq.words import Fate, ItemState, LetterState
from kit import audit, clock, limits
from kit.models import User
from kit.writes import writing

COLUMNS = (
    "replay_id",
    "letter_id",
    "state",
    "letter_version",
    "revision_id",
    "lane",
    "original_order",
    "fate",
    "why",
    "target",
    "attempt",
    "sent_stream",
    "sent_position",
    "evidence",
)


class Chooser(Protocol):
    """A filter of letters: the same object gave the list and the count (promise 8)."""

    def apply(self, letters: "QuerySet[Letter]") -> "QuerySet[Letter]":
        """The letters that match."""

    def as_query(self) -> dict[str, str]:
        """What is set, as in the URL."""


class Chosen:
    """Letters ticked one by one; raises Refused for more than a database takes in one list."""

    def __init__(self, ids: Sequence[int]) -> None:
        if len(ids) > limits.COUNT_CAP:
            raise Refused(
                "Too many letters in one list",
                f"Name at most {limits.COUNT_CAP:,} letters, or choose them by a filter.",
            )
        self._ids = sorted(set(ids))

    def apply(self, letters: "QuerySet[Letter]") -> "QuerySet[Letter]":
        """These letters."""
        return letters.filter(pk__in=self._ids)

    def as_query(self) -> dict[str, str]:
        """Their number; the members themselves are the items."""
        return {"chosen": str(len(self._ids))}


def freeze(
    chosen: Chooser | Sequence[int],
    *,
    actor: str,
    user: User | None,
    reason: str = "",
    choices: Mapping[str, str] | None = None,
    receipt_wait_s: int = 60,
    rate_per_s: int = 0,
    gates: Sequence[int] = (),
    most_failed: int = 100,
) -> Replay:
    """Freeze the dead letters among the chosen, with version and revision, as a planned replay.

    Members are classified afterwards (dlq/classes.py). Without `gates` all go at once, and no
    failure stops them. Raises Refused: nothing to send, too many letters, no such ramp, a broker
    that may not be written to or cannot be reached.
    """
    pace = ramp.columns(gates, most_failed)
    chooser = Chosen(chosen) if isinstance(chosen, Sequence) else chosen
    matching = chooser.apply(Letter.objects.order_by())
    dead = matching.filter(state=LetterState.DEAD)
    _check_count(dead[: limits.REPLAY_MEMBERS + 1].count())
    plan = _begun(matching, dead)
    with writing():
        replay = Replay.objects.create(
            title="",
            filter=chooser.as_query(),
            reason=reason,
            choices=dict(choices or {}),
            receipt_wait_s=receipt_wait_s,
            rate_per_s=rate_per_s,
            **pace,
            actor=actor[:150],
            user=user,
            next_step_at=clock.now(),
        )
        _insert_members(replay.pk, dead)
        _name(replay, plan)
        _note(replay)
    return replay


def _note(replay: Replay) -> None:
    audit.record(
        actor=replay.actor,
        user=replay.user,
        action="replay.plan",
        target_kind="replay",
        target_id=replay.pk,
        summary=f"Planned: {replay.title}",
        reason=replay.reason,
        changes={"members": replay.plan["letters"], "members_hash": replay.members_hash},
    )


def _begun(matching: "QuerySet[Letter]", dead: "QuerySet[Letter]") -> dict[str, Any]:
    """The plan as far as it is known before the members are frozen."""
    return {
        "token": secrets.token_hex(4),
        "left_out": _left_out(matching),
        "classified": 0,
        "classified_to": 0,
        "classified_at": None,
        **receivers(dead),
    }


def _check_count(count: int) -> None:
    if count == 0:
        raise Refused("No letter to replay", "None of the chosen letters is dead any more.")
    if count > limits.REPLAY_MEMBERS:
        raise Refused(
            "Too many letters for one replay",
            f"At most {limits.REPLAY_MEMBERS:,} letters go into one replay: narrow the filter.",
        )


def _left_out(matching: "QuerySet[Letter]") -> dict[str, int]:
    found = matching.exclude(state=LetterState.DEAD).values_list("state")
    return dict(found.annotate(letters=Count("pk")).order_by("state"))


def _insert_members(replay_id: int, dead: "QuerySet[Letter]") -> None:
    """One INSERT … SELECT: what is frozen is one moment, however many letters it is."""
    newest = Revision.objects.filter(letter=OuterRef("pk")).order_by("-number").values("pk")[:1]
    empty = Value("", output_field=CharField())
    # names apart from the letter's own columns; in the order of COLUMNS
    frozen = {
        "f_replay": Value(replay_id),
        "f_letter": F("pk"),
        "f_state": Value(ItemState.WAITING.value, output_field=CharField()),
        "f_version": F("version"),
        "f_revision": Subquery(newest),
        "f_lane": _lane(),
        "f_order": _order(),
        "f_fate": Value(Fate.READY.value, output_field=CharField()),
        "f_why": empty,
        "f_target": empty,
        "f_attempt": empty,
        "f_stream": empty,
        "f_position": empty,
        "f_evidence": empty,
    }
    rows = dead.annotate(**frozen).values_list(*frozen)
    sql, parameters = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        # both parts are ours or Django's; values are parameters
        cursor.execute(f"INSERT INTO dlq_item ({', '.join(COLUMNS)}) {sql}", parameters)


def _lane() -> Case:
    """The partition key; a letter without one is a lane of its own."""
    alone = Concat(Value("letter:"), Cast("pk", CharField()), output_field=CharField())
    return Case(When(lane="", then=alone), default=F("lane"), output_field=CharField())


def _order() -> Case:
    """A position of the broker as text that sorts: both numbers padded with zeros."""
    dash = StrIndex("position", Value("-"))
    padded = Concat(
        LPad(Substr("position", 1, dash - 1), 20, Value("0")),
        Value("-"),
        LPad(Substr("position", dash + 1), 20, Value("0")),
        output_field=CharField(),
    )
    return Case(
        When(position__contains="-", then=padded),
        default=F("position"),
        output_field=CharField(),
    )


def _name(replay: Replay, plan: dict[str, Any]) -> None:
    """Hash, title and what follows from the members."""
    digest = hashlib.blake2b(digest_size=16)
    members = Item.objects.filter(replay=replay).order_by("letter_id")
    count = 0
    for row in members.values_list("letter_id", "letter_version", "revision_id").iterator(5_000):
        digest.update("{}/{}/{}\n".format(*row).encode())
        count += 1
    groups = _distinct(replay, "letter__group_id")
    consumers = [str(name) for name in _distinct(replay, "letter__consumer")]
    replay.members_hash = digest.hexdigest()
    replay.consumer = consumers[0] if len(consumers) == 1 else ""
    replay.group = Group.objects.filter(pk=groups[0]).first() if len(groups) == 1 else None
    to = consumers[0] if len(consumers) == 1 else f"{len(consumers)} consumers"
    replay.title = f"{count:,} letter{'' if count == 1 else 's'} to {to}"[:300]
    replay.plan = {**plan, "letters": count}
    replay.save()


def _distinct(replay: Replay, column: str) -> list[Any]:
    found = Item.objects.filter(replay=replay).order_by().values_list(column, flat=True)
    return sorted(found.distinct())


def receivers(dead: "QuerySet[Letter]") -> dict[str, Any]:
    """Who will receive these letters and how, by kind; raises Refused, also for a broker away."""
    kinds = (
        dead.annotate(
            placed=ExpressionWrapper(~Q(position=""), BooleanField()),
            edited=Exists(Revision.objects.filter(letter=OuterRef("pk"))),
        )
        .order_by()
        .values_list("broker", "stream", "placed", "topic", "consumer", "edited")
        .annotate(letters=Count("pk"))
    )
    allowed(row[0] for row in kinds)
    routes = Routes()
    grouped: dict[tuple[Any, ...], int] = defaultdict(int)
    why_not_durable = ""
    try:
        for *where, topic, consumer, has_edit, letters in kinds:
            broker, stream, placed = where
            route = routes.of(Kind(broker, stream, bool(placed), topic, consumer, has_edit))
            target = route.first.value if route.first else ""
            kind = (broker, topic, consumer, has_edit, target, route.why, route.others)
            grouped[kind] += letters
            why_not_durable = why_not_durable or routes.signs(broker).why_not_durable
    except BrokerError as error:
        raise Refused("The broker cannot be reached", str(error)) from error
    names = ("broker", "topic", "consumer", "edited", "target", "why", "others")
    rows = [
        {**dict(zip(names, kind, strict=True)), "letters": letters}
        for kind, letters in sorted(grouped.items())
    ]
    return {
        "receivers": rows,
        "needs_acceptance": any(row["target"] == "topic" for row in rows),
        "why_not_durable": why_not_durable,
    }


def is_classified(replay: Replay) -> bool:
    """Whether every member is in its class: before that nothing is sent."""
    return replay.plan.get("classified_at") is not None
