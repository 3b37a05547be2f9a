"""Rows to test with, made straight from the models."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from dlq import states
from dlq.models import Group, Item, Letter, Replay
from dlq.words import OPEN_LETTERS, LetterState

NOW = datetime(2026, 8, 18, 14, 36, 20, tzinfo=UTC)
_numbers = count(1)


def group(**columns: Any) -> Group:
    """A group without letters."""
    number = next(_numbers)
    return Group.objects.create(
        **{
            "fingerprint": f"1:{number:032x}",
            "broker": "shop",
            "consumer": "payment",
            "error_type": "KeyError",
            "frame": "order_amount()",
            "message": "'currency'",
            "first_at": NOW - timedelta(minutes=30),
            "last_at": NOW,
            **columns,
        }
    )


def letter(of: Group | None = None, **columns: Any) -> Letter:
    """A letter in its group, counted there when it is open."""
    number = next(_numbers)
    home = of or group()
    made = Letter.objects.create(
        **{
            "group": home,
            "identity_key": f"key-{number}",
            "broker": "shop",
            "consumer": home.consumer,
            "dead_stream": f"orders.{home.consumer}.dlq",
            "dead_position": f"{number}-0",
            "topic": "orders",
            "stream": "orders.0",
            "position": f"{number}-0",
            "event_identity": number.to_bytes(16, "big"),
            "source": "/orders",
            "event_id": f"e-{number}",
            "type": "OrderPlaced",
            "flow_id": f"flow-{number}",
            "lane": f"order-{number}",
            "label": f"order:{number}",
            "amount": Decimal("10.00"),
            "currency": "EUR",
            "content_type": "application/json",
            "headers": {"ce-id": f"e-{number}", "ce-source": "/orders"},
            "payload": b'{"order_id": "%d", "total": "10.00"}' % number,
            "payload_size": 36,
            "error_type": home.error_type,
            "error_message": "'currency'",
            "first_died_at": NOW,
            "died_at": NOW,
            **columns,
        }
    )
    if LetterState(made.state) in OPEN_LETTERS:
        states.count_open([(home.pk, 1, made.amount, made.currency)])
    return made


def replay(*letters: Letter, state: str = "planned", **columns: Any) -> Replay:
    """A batch with a waiting item for each letter."""
    made = Replay.objects.create(
        **{
            "state": state,
            "title": f"Replay of {len(letters)} letters to payment",
            "consumer": "payment",
            "actor": "ann",
            "members_hash": "0" * 32,
            **columns,
        }
    )
    for each in letters:
        item(made, each)
    return made


def item(of: Replay, letter: Letter, **columns: Any) -> Item:
    """A waiting member of a batch."""
    return Item.objects.create(
        **{
            "replay": of,
            "letter": letter,
            "letter_version": letter.version,
            "lane": letter.lane or f"letter:{letter.pk}",
            "original_order": letter.position,
            **columns,
        }
    )
