"""What ties an event to others: causes, correlation, trace context."""

import pytest

from tests.tracing.test_envelope import TRACE, read, refused
from tracing.envelope import identity
from tracing.envelope.trace import trace_id, valid_tracestate


def test_causes() -> None:
    assert read(causationid="a").causes == ("a",)
    assert read(causationids="a,b%2Cc%25,a").causes == ("a", "b,c%")
    assert read(causationid="b", causationids="a,b").causes == ("b", "a")
    assert refused(causationids="a,,b") == "causationids"
    assert refused(causationids="%ff") == "causationids"
    assert refused(causationids="%00") == "causationids"


def test_flow_is_the_correlation_else_the_trace_else_the_event() -> None:
    assert read(correlationid="c", traceparent=TRACE).flow_id == "c"
    assert read(traceparent=TRACE).flow_id == TRACE.split("-")[1]
    assert read().flow_id == identity("/shop", "1").hex()
    assert refused(correlationid="") == "correlationid"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (TRACE, True),
        (f" {TRACE} ", True),
        (TRACE.replace("00-4b", "cc-4b") + "-more", True),
        (TRACE + "-more", False),
        (TRACE.upper(), False),
        (TRACE.replace("00-4b", "ff-4b"), False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01", False),
        (f"{TRACE},{TRACE}", False),
        ("", False),
    ],
)
def test_traceparent(text: str, good: bool) -> None:
    assert bool(trace_id(text)) == bool(trace_id(f"\t{text} ")) == good
    event = read(traceparent=text)
    assert event.traceparent == (text.strip() if good else "")


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("a=1,b=2", True),
        ("a=1, tenant@sys=x", True),
        ("a=1,a=2", False),
        ("A=1", False),
        ("a", False),
        (",".join(f"k{n}=1" for n in range(32)), True),
        (",".join(f"k{n}=1" for n in range(33)), False),
        ("", False),
    ],
)
def test_tracestate(text: str, good: bool) -> None:
    assert valid_tracestate(text) == (text if good else "")
    assert read(traceparent=TRACE, tracestate=text).traceparent == TRACE  # it alone is dropped
