"""Dead letters of programs that never heard of us: their own fields, their own identity."""

import json

import pytest

from brokers import config as configuration
from brokers.config import MappingConfig
from dlq import editing
from dlq.editing import EditError
from dlq.models import Letter
from tests.dlq.scene import STREAM, Scene, pump, run
from tracing.models import Event

pytestmark = pytest.mark.django_db

ORDER = {"uid": "m-1", "saga": "s-1", "order_id": 4711}


def _dead(shop: Scene, **mapping: str) -> Letter:
    """A message with its body in `payload`, given up by payment."""
    if mapping:
        before = configuration.current()
        more = MappingConfig(stream="orders.*", **mapping)  # type: ignore[arg-type]
        configuration.use(lambda: type(before)(before.brokers, keys=before.keys, mappings=(more,)))
    fields = {b"payload": json.dumps(ORDER).encode(), b"kind": b"placed"}
    shop.redis.xadd(STREAM, fields)
    position, taken = shop.take()
    marks = {
        b"dead-letter-consumer": b"payment",
        b"dead-letter-stream": STREAM.encode(),
        b"dead-letter-position": position.encode(),
        b"dead-letter-reason": b"attempts",
    }
    shop.redis.xadd("orders.payment.dlq", taken | marks)
    shop.redis.xack(STREAM, "payment", position)
    return shop.letters()[0]


def test_an_edit_goes_back_into_the_field_it_came_from(shop: Scene) -> None:
    letter = _dead(shop)
    assert json.loads(bytes(letter.payload or b"")) == ORDER
    assert (letter.body_field, letter.headers) == ("payload", {"kind": "placed"})
    with pytest.raises(EditError, match="set by the machines"):
        editing.revise(letter, None, {"payload": "{}"}, "why", "ann")
    editing.revise(letter, '{"order_id": 4712}', None, "wrong number", "ann")
    run(letter)
    assert pump() == 1
    (sent,) = shop.sent()
    assert sent.pop(b"cascadeattempt")
    assert sent == {
        b"payload": b'{"order_id": 4712}',
        b"kind": b"placed",
        b"cascadetarget": b"payment",
    }


def test_a_letter_is_the_event_that_the_mapping_makes_of_it(shop: Scene) -> None:
    letter = _dead(shop, id="/uid", correlation="/saga", type="header:kind")
    event = Event.objects.get()
    assert (event.source, event.event_id, event.type) == ("shop/orders", "m-1", "placed")
    assert bytes(letter.event_identity) == bytes(event.identity)
    assert (letter.flow_id, letter.type, letter.label) == ("s-1", "placed", "order:4711")
    with pytest.raises(EditError, match="m-1 is the ID of this event"):
        editing.revise(letter, json.dumps({**ORDER, "uid": "m-2"}), None, "why", "ann")
    editing.revise(letter, json.dumps({**ORDER, "order_id": 1}), None, "why", "ann")


def test_what_was_no_cloud_event_may_be_given_an_identity(shop: Scene) -> None:
    letter = _dead(shop)
    assert editing.locked(letter) == set()
    named = {"ce-id": "1", "ce-source": "/a", "ce-type": "T", "ce-specversion": "1.0"}
    editing.revise(letter, None, {**letter.headers, **named}, "an envelope", "ann")
    letter.headers = named
    assert editing.locked(letter) == {"ce-id", "ce-source", "ce-correlationid"}
