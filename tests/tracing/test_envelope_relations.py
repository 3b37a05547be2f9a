"""What ties an event to others: causes and correlation."""

from tests.tracing.test_envelope import TRACE, read, refused
from tracing.envelope import identity


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
