"""W3C trace context, rule by rule; a bad one is dropped, the event stays good.

The rows follow the W3C's own test suite (trace-context/test/test.py).
"""

import pytest

from tests.tracing.test_envelope import GOOD, TRACE, read
from tracing.envelope import from_headers
from tracing.envelope.trace import trace_id, transport_context, valid_tracestate

ID, PARENT = TRACE.split("-")[1], TRACE.split("-")[2]
REST = f"{ID}-{PARENT}"
BINARY = {f"ce-{name}": value for name, value in GOOD.items()}


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (TRACE, True),
        (f"00-{REST}-00", True),
        (f"00-{REST}-ff", True),
        (f" {TRACE} ", True),
        (f"\t{TRACE}\t ", True),
        (f"cc-{REST}-01", True),
        (f"cc-{REST}-01-what-the-future-will-be-like", True),
        (f"cc-{REST}-01.what-the-future-will-be-like", False),
        (f"cc-{REST}-01x", False),
        (f"00-{REST}-01-", False),
        (f"00-{REST}-01-more", False),
        (f"00-{REST}-01.", False),
        (f"ff-{REST}-01", False),
        (f"ff-{REST}-01-more", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{ID}-{'0' * 16}-01", False),
        (TRACE.upper(), False),
        (f"00-{ID.upper()}-{PARENT}-01", False),
        (f"00-{ID}-{PARENT.upper()}-01", False),
        (f"00-{REST}-0A", False),
        (f"0-{REST}-01", False),
        (f"000-{REST}-01", False),
        (f".0-{REST}-01", False),
        (f"00-{ID[:-1]}-{PARENT}-01", False),
        (f"00-{ID}0-{PARENT}-01", False),
        (f"00-{ID[:-1]}.-{PARENT}-01", False),
        (f"00-{ID}-{PARENT[:-1]}-01", False),
        (f"00-{ID}-{PARENT}0-01", False),
        (f"00-{REST}-1", False),
        (f"00-{REST}", False),
        (f"00_{ID}_{PARENT}_01", False),
        (f"00-{ID}- {PARENT}-01", False),
        (f"{TRACE},{TRACE}", False),  # two headers
        (f"{TRACE}, {TRACE}", False),
        (f"cc-{REST}-01-{'x' * 128}", False),
        ("", False),
    ],
)
def test_traceparent(text: str, good: bool) -> None:
    assert bool(trace_id(text)) == bool(trace_id(f"\t{text} ")) == good
    accepted = text.strip(" \t") if good else ""
    event = read(traceparent=text.replace("\t", " "))  # no attribute may bear a tab
    assert event.traceparent == accepted
    assert event.extensions == {}
    assert event.flow_id == (ID if good else read().flow_id)
    kept = {"traceparent": accepted} if good else {}
    assert transport_context({"traceparent": text}) == kept
    posted = from_headers({**BINARY, "traceparent": text}, "", b"")
    assert (posted.headers, posted.flow_id) == (kept, event.flow_id)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a=1,b=2", True),
        ("a=1, tenant@sys=x", True),
        ("a=1 ,\tb=2", True),
        ("a=1,,b=2", True),
        ("a=1,", True),
        ("0tenant@sys=1", True),
        ("a_-*/=x y", True),
        ("k" * 256 + "=1", True),
        ("t" * 241 + "@" + "v" * 14 + "=1", True),
        ("a=" + "v" * 256, True),
        (",".join(f"k{n}=1" for n in range(32)), True),
        (",".join(f"k{n}=1" for n in range(33)), False),
        ("a=1,a=2", False),
        ("a=1,b=2,a=1", False),
        ("A=1", False),
        ("0a=1", False),
        ("a =1", False),
        ("a.b=1", False),
        ("@a=1", False),
        ("a@=1", False),
        ("a@@b=1", False),
        ("a@b@c=1", False),
        ("k" * 257 + "=1", False),
        ("t" * 242 + "@v=1", False),
        ("t@" + "v" * 15 + "=1", False),
        ("a=" + "v" * 257, False),
        ("a=1=2", False),
        ("a=", False),
        ("a=\u00fc", False),
        ("a", False),
        ("", False),
    ],
)
def test_a_bad_tracestate_discards_itself_only(text: str, good: bool) -> None:
    assert valid_tracestate(text) == (text if good else "")
    if "\t" not in text:
        event = read(traceparent=TRACE, tracestate=text)
        assert event.traceparent == TRACE
        assert event.extensions == ({"tracestate": text} if good else {})
        assert read(tracestate=text).extensions == {}  # without a traceparent it says nothing
    headers = {"traceparent": TRACE, "tracestate": text}
    assert transport_context(headers) == (headers if good else {"traceparent": TRACE})
    assert transport_context({"traceparent": f"ff-{REST}-01", "tracestate": text}) == {}


def test_the_starting_trace_names_the_flow_and_the_transports_stays() -> None:
    other = TRACE.replace("4bf", "5bf")
    headers = {**BINARY, "ce-traceparent": TRACE, "TraceParent": other, "TraceState": "a=1"}
    event = from_headers(headers, "", b"")
    assert (event.traceparent, event.flow_id) == (TRACE, ID)
    assert event.headers == {"traceparent": other, "tracestate": "a=1"}
    bad = from_headers({**headers, "ce-traceparent": "ff" + TRACE[2:]}, "", b"")
    assert (bad.traceparent, bad.flow_id) == ("", other.split("-")[1])
