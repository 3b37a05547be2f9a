"""The glance at an ordinary entry gives what the look at each field gives, or nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.contract import Entry
from tracing.envelope import Envelope, EnvelopeError
from tracing.envelope.entries import _envelope
from tracing.envelope.ordinary import KNOWN, SHORT, ordinary
from tracing.envelope.rules import NO_RULES

GOOD = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/shop/orders",
    "ce-type": "OrderPlaced",
    "ce-subject": "4711",
    "ce-time": "2026-08-18T14:23:04.123456789+02:00",
    "ce-correlationid": "flow-1",
    "ce-causationid": "0",
    "ce-partitionkey": "4711",
    "ce-sequence": "7",
    "ce-traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "content-type": "application/json; charset=utf-8",
}
ODD = (
    *("", " ", "\t", "\0", "\u00e9", "\u2028", "\ufffe", "\ud800", "%41", "a b", "urn:x", "0" * 64),
    *("x" * SHORT, "x" * (SHORT + 1), "2026-08-18T14:23:60Z", "2026-08-18 14:23:04Z", "1.1"),
    *("2026-08-18T14:23:04." + "1" * 60 + "Z", "text/plain", "application/cloudevents+json"),
    *("application/CloudEvents-batch+json", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "a/b;c"),
)
NAMES = st.sampled_from(
    [*sorted(KNOWN), "ce-more", "ce-data", "ce-causationids", "cascadeattempt", "x", "ce-Id"]
)


def entry(fields: dict[str, str], body: bytes | None = b"{}") -> Entry:
    return Entry("shop", "orders.0", "orders", "1-0", None, fields, body)


def looked_at(one: Entry) -> Envelope | None:
    try:
        return _envelope(one, NO_RULES)
    except EnvelopeError:
        return None


@given(
    st.dictionaries(NAMES, st.sampled_from(ODD) | st.text(), max_size=3),
    st.sets(st.sampled_from(sorted(GOOD)), max_size=3),
    st.none() | st.binary(max_size=5),
)
def test_it_is_the_same_or_nothing(odd: dict[str, str], left_out: set[str], body: Any) -> None:
    fields = {name: text for name, text in GOOD.items() if name not in left_out} | odd
    one = entry(fields, body)
    found = ordinary(one)
    assert found is None or found == looked_at(one)


def test_what_is_ordinary_is_seen() -> None:
    found = ordinary(entry(GOOD))
    assert found is not None
    assert found == looked_at(entry(GOOD))
    assert all(ordinary(entry(GOOD | {"ce-id": "x" * length})) for length in (36, SHORT))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_what_is_missing_or_empty(name: str) -> None:
    for fields in ({key: text for key, text in GOOD.items() if key != name}, GOOD | {name: ""}):
        found = ordinary(entry(fields))
        assert found is None or found == looked_at(entry(fields))


def test_each_odd_value_in_each_field() -> None:
    """Every pair, so that none depends on what is drawn."""
    for name in GOOD:
        for text in ODD:
            one = entry(GOOD | {name: text})
            found = ordinary(one)
            assert found is None or found == looked_at(one)
