"""Replays as JSON documents: what the API answers and `dlq replay --json` prints."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from dlq import classes
from dlq.choices import DEFAULT, choice_of
from dlq.classes import Class
from dlq.models import Item, Replay
from kit.clock import rfc3339
from kit.redaction import mask_text

ITEMS = 100  # of a replay in one document; the account counts all


class ClassOut(BaseModel):
    """Members of a plan that share a fate; money by currency."""

    name: str
    choice: str  # send, skip, ask
    letters: int
    amounts: dict[str, str]
    examples: list[str]


class ItemOut(BaseModel):
    """One member of a replay."""

    id: int
    letter: int
    state: str
    target: str
    attempt: str
    fate: str  # its class in the plan
    why: str  # what that rests on
    evidence: str
    sent_at: str | None
    settled_at: str | None


class GateOut(BaseModel):
    """One gate of a ramp; the times are null while it is closed, or not passed."""

    letters: int
    opened_at: str | None
    passed_at: str | None


class ReplayOut(BaseModel):
    """A replay: its plan, and the account of its members by state."""

    id: int
    state: str
    title: str
    consumer: str
    reason: str
    actor: str
    members_hash: str
    members: int
    choices: dict[str, str]
    accept_others: bool
    needs_acceptance: bool
    classified: bool
    left_out: dict[str, int]
    receivers: list[dict[str, Any]]
    why_not_durable: str
    rate_per_s: int  # 0: as fast as it goes
    ramp: list[int]
    most_failed: int  # per cent of a gate; beyond, it pauses itself
    gates: list[GateOut]
    gate: int  # the open one's place in `gates`
    stopped: str  # why it paused itself
    account: dict[str, int]
    created_at: str
    started_at: str | None
    ended_at: str | None


class WholeReplayOut(ReplayOut):
    """A replay with its classes and its first members, worst first."""

    classes: list[ClassOut]
    items: list[ItemOut]


def _class(row: Class) -> ClassOut:
    amounts: dict[str, Decimal] = row.amounts
    return ClassOut(
        name=row.name.value,
        choice=row.choice.value,
        letters=row.letters,
        amounts={currency: str(amount) for currency, amount in sorted(amounts.items())},
        examples=row.examples,
    )


def _item(row: Item) -> ItemOut:
    return ItemOut(
        id=row.pk,
        letter=row.letter_id,
        state=row.state,
        target=row.target,
        attempt=row.attempt,
        fate=row.fate,
        why=row.why,
        evidence=mask_text(row.evidence),
        sent_at=rfc3339(row.sent_at) if row.sent_at else None,
        settled_at=rfc3339(row.settled_at) if row.settled_at else None,
    )


def _gate(row: dict[str, Any]) -> GateOut:
    return GateOut(**{name: row[name] for name in GateOut.model_fields})


def _replay_columns(row: Replay) -> dict[str, Any]:
    return {
        "id": row.pk,
        "state": row.state,
        "title": row.title,
        "consumer": row.consumer,
        "reason": row.reason,
        "actor": row.actor,
        "members_hash": row.members_hash,
        "members": row.plan["letters"],
        "choices": {fate.value: choice_of(fate, row.choices).value for fate in DEFAULT},
        "accept_others": row.accept_others,
        "needs_acceptance": row.plan["needs_acceptance"],
        "classified": row.plan["classified_at"] is not None,
        "left_out": row.plan["left_out"],
        "receivers": row.plan["receivers"],
        "why_not_durable": row.plan["why_not_durable"],
        "rate_per_s": row.rate_per_s,
        "ramp": row.ramp,
        "most_failed": row.most_failed,
        "gates": [_gate(one) for one in row.plan.get("gates", ())],
        "gate": row.gate,
        "stopped": row.plan.get("stopped", ""),
        "account": {s.value: n for s, n in classes.account(row).items() if n},
        "created_at": rfc3339(row.created_at),
        "started_at": rfc3339(row.started_at) if row.started_at else None,
        "ended_at": rfc3339(row.ended_at) if row.ended_at else None,
    }


def replay(row: Replay) -> ReplayOut:
    """A replay of a list."""
    return ReplayOut(**_replay_columns(row))


def whole_replay(row: Replay) -> WholeReplayOut:
    """A replay with classes and members: those that need a look first."""
    look = ("maybe_sent", "failed_again", "no_receipt")
    items = list(row.items.filter(state__in=look).order_by("pk")[:ITEMS])
    rest = row.items.exclude(state__in=look).order_by("pk")[: ITEMS - len(items)]
    return WholeReplayOut(
        **_replay_columns(row),
        classes=[_class(one) for one in classes.classes(row) if one.letters],
        items=[_item(one) for one in (*items, *rest)],
    )
