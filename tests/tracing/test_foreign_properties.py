"""Whatever other programs write, and whatever a mapping says: an event that can be stored."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers.config import PLACES, MappingConfig
from brokers.contract import Entry
from brokers.redis_body import take_body
from tests.tracing.test_envelope_properties import JSON
from tests.tracing.test_foreign import (
    CELERY_WHOLE,
    CHANGE,
    EVENTBRIDGE,
    MASSTRANSIT,
    MASSTRANSIT_RAW,
    NSERVICEBUS,
    SPRING,
    faststream,
)
from tracing.envelope import Envelope, Rules, from_entry
from tracing.envelope.attributes import LONGEST
from tracing.envelope.suggest import suggest
from tracing.keys import keys_of

MARKS = [*NSERVICEBUS, *MASSTRANSIT_RAW, *SPRING, "task", "root_id", "__TypeId__", "traceparent"]
NAMES = st.sampled_from(MARKS) | st.text(max_size=4).filter(lambda name: name[:3] != "ce-")
HEADERS = st.dictionaries(NAMES, st.text(max_size=30))
MEMBERS: dict[str, Any] = {**MASSTRANSIT, **CELERY_WHOLE, **EVENTBRIDGE, **CHANGE}
WHOLE = st.sampled_from([MASSTRANSIT, CELERY_WHOLE, EVENTBRIDGE, CHANGE, {"payload": CHANGE}])
CHANGED = st.dictionaries(st.sampled_from([*MEMBERS, "schema", "data", "headers"]), JSON)
BODIES = (
    st.none()
    | st.binary(max_size=60)
    | st.binary(max_size=40).map(lambda noise: faststream({"a": "b"}, b"")[: len(noise)] + noise)
    | st.builds(lambda whole, changed: json.dumps({**whole, **changed}).encode(), WHOLE, CHANGED)
    | JSON.map(lambda value: json.dumps(value).encode())
)
PLACE = st.sampled_from(
    ["/a", "/message", "/headers/id", "/source", "/0", "/*", "header:id", "=x", "/ts_ms", "/detail"]
)
MAPPINGS = st.builds(
    lambda places, keys: MappingConfig(stream="*", keys=keys, **places),
    st.dictionaries(st.sampled_from(PLACES), PLACE),
    st.dictionaries(st.sampled_from(["order", "box"]), PLACE),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(HEADERS, BODIES, MAPPINGS)
def test_it_is_an_event_and_can_be_stored(
    headers: dict[str, str], body: bytes | None, mapping: MappingConfig
) -> None:
    keys = {"order": "/order_id", "any": "/*"}
    entry = Entry("shop", "orders.1", "orders", "5-0", None, headers, body)
    for rules in (Rules(keys), Rules(keys, [mapping])):
        found = from_entry(entry, rules)
        assert isinstance(found, Envelope)
        assert found.id
        assert found.source
        assert found.type
        texts = {
            "id": found.id,
            "source": found.source,
            "type": found.type,
            "correlationid": found.correlation_id,
            "subject": found.subject,
            "partitionkey": found.partition_key,
            "sequence": found.sequence,
            "datacontenttype": found.content_type,
            "time": found.time_text,
        }
        assert {name for name, text in texts.items() if len(text) > LONGEST[name]} == set()
        every = [*texts.values(), found.headers, found.extensions, found.causes]
        assert "\\u0000" not in json.dumps(every, ensure_ascii=True).replace("\\\\u0000", "")
        json.dumps(every, ensure_ascii=False).encode()
        keys_of(found, keys, str.__add__)
        suggest([found, found])


@given(st.dictionaries(st.binary(max_size=8), st.binary(max_size=30)))
def test_the_body_is_one_of_the_fields_or_none(fields: dict[bytes, bytes]) -> None:
    left = dict(fields)
    name, body = take_body(left)
    assert (body is None) == (left == fields)
    assert body is None or body in fields.values()
    assert name
