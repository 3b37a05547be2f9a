"""POST /v1/traces: status codes, both encodings, partial success; nothing but 200 is a success."""

import gzip
import json
import resource
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from kit.limits import KIB, Intake
from kit.models import ApiToken, User
from tests.tracing.arriving import appearances
from tests.tracing.spanning import as_json, as_protobuf, span
from tracing import store
from tracing.models import Event, Receipt, Span
from tracing.otlp import decode, protobuf_format
from tracing.receivers import otlp

OTLP_BYTES = Intake().otlp_bytes
JSON, PROTOBUF = "application/json", "application/x-protobuf"
pytestmark = pytest.mark.django_db(transaction=True)
Post = Callable[..., Any]
SENT = span("producer", 1, messaging__destination__name="orders")
HANDLED = span("consumer", 2, parent=1, messaging__destination__name="orders", at_ms=20)


@pytest.fixture
def token() -> str:
    user = User.objects.create_user("shop", role="viewer")
    return ApiToken.issue(user, "shop", ["ingest"])[1]


@pytest.fixture
def post(token: str) -> Post:
    def send(body: bytes, kind: str = JSON, **headers: str) -> Any:
        named = {"authorization": f"Bearer {token}", "content-type": kind, **headers}
        client = Client(enforce_csrf_checks=True)
        return client.post("/v1/traces", body, content_type=kind, headers=named)

    return send


def refusal(answer: Any, status: int, kind: str = JSON) -> str:
    """What a refusal says, in the client's own form; nothing was stored."""
    assert answer.status_code == status
    assert not Span.objects.exists()
    if kind == PROTOBUF:
        assert answer["Content-Type"] == PROTOBUF
        told = Status.FromString(answer.content)
        assert told.code
        return str(told.message)
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


def partial(answer: Any, kind: str) -> tuple[int, str]:
    """Rejected spans and the message of a 200, in the client's own form."""
    assert (answer.status_code, answer["Content-Type"]) == (200, kind)
    if kind == PROTOBUF:
        told = ExportTraceServiceResponse.FromString(answer.content).partial_success
        return told.rejected_spans, told.error_message
    told = answer.json().get("partialSuccess", {})
    return int(told.get("rejectedSpans", 0)), told.get("errorMessage", "")


@pytest.mark.parametrize(("kind", "encode"), [(JSON, as_json), (PROTOBUF, as_protobuf)])
def test_taken_and_answered_in_kind(post: Post, kind: str, encode: Any) -> None:
    for _ in range(2):  # sent again it is the same
        assert partial(post(encode(SENT, HANDLED), kind), kind) == (0, "")
        assert (Event.objects.count(), Receipt.objects.count()) == (1, 1)
        assert (len(appearances()), Span.objects.count()) == (1, 2)
    receipt = Receipt.objects.get()
    assert bytes(receipt.identity) == bytes(Event.objects.get().identity)
    assert (receipt.consumer, receipt.outcome, receipt.duration_ms) == ("shop", "succeeded", 10)


@pytest.mark.parametrize(("kind", "encode"), [(JSON, as_json), (PROTOBUF, as_protobuf)])
def test_bad_spans_are_told_and_the_others_stored(post: Post, kind: str, encode: Any) -> None:
    bad = [SENT | {"traceId": "00" * 16}, SENT | {"spanId": "ff"}, SENT | {"startTimeUnixNano": 0}]
    rejected, reason = partial(post(encode(*bad, SENT), kind), kind)
    assert rejected == 3
    assert "trace_id" in reason
    assert Span.objects.count() == 1


@pytest.mark.parametrize(("kind", "body"), [(JSON, b"{}"), (PROTOBUF, b"")])
def test_an_empty_request_is_a_success(post: Post, kind: str, body: bytes) -> None:
    assert partial(post(body, kind), kind) == (0, "")


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_refusals(post: Post, token: str, kind: str) -> None:
    assert refusal(post(b"<html>", kind), 400, kind)
    assert refusal(post(b"x", kind, **{"content-encoding": "gzip"}), 400, kind)
    bomb = gzip.compress(b" " * (OTLP_BYTES + 1))
    assert refusal(post(bomb, kind, **{"content-encoding": "gzip"}), 413, kind)
    assert refusal(post(b" " * (OTLP_BYTES + 1), kind), 413, kind)
    assert refusal(post(b"", kind, authorization=""), 401, kind)
    assert refusal(post(b"", kind, authorization="Bearer wrong"), 401, kind)
    reader = ApiToken.issue(User.objects.get(), "reader", ["read"])[1]
    assert refusal(post(b"", kind, authorization=f"Bearer {reader}"), 403, kind)


def test_other_methods_and_types(post: Post) -> None:
    assert refusal(post(b"", "text/plain"), 415)
    answer = Client().get("/v1/traces")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_gzip(post: Post) -> None:
    body = gzip.compress(as_protobuf(SENT))
    answer = post(body, PROTOBUF, **{"content-encoding": "gzip"})
    assert partial(answer, PROTOBUF) == (0, "")
    assert Event.objects.count() == 1


@pytest.mark.parametrize(("kind", "encode"), [(JSON, as_json), (PROTOBUF, as_protobuf)])
@pytest.mark.parametrize("bound", ["SPANS", "MESSAGES"])
def test_too_many_spans(
    post: Post, kind: str, encode: Any, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, bound, 1)
    assert refusal(post(encode(SENT, HANDLED), kind), 413, kind)


def test_a_span_that_is_too_large_is_left_out(post: Post) -> None:
    large = SENT | {"name": "x" * protobuf_format.SPAN_BYTES, "spanId": "f" * 16}
    rejected, reason = partial(post(as_protobuf(large, SENT), PROTOBUF), PROTOBUF)
    assert (rejected, Span.objects.count()) == (1, 1)
    assert "larger than" in reason


@pytest.mark.parametrize("empty", ["span", "resource", "link"])
def test_a_small_body_of_many_empty_parts_takes_no_memory(post: Post, empty: str) -> None:
    """Two bytes each; read whole they are a gigabyte."""
    many = OTLP_BYTES // 2 - 200
    if empty == "resource":
        body = b"\x0a\x00" * many
    elif empty == "span":
        body = field(1, field(2, b"\x12\x00" * many))
    else:
        links = field(2, b"\x6a\x00" * (protobuf_format.SPAN_BYTES // 2))
        body = field(1, field(2, links * 19))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(post(body, PROTOBUF), 413, PROTOBUF)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * KIB  # in KiB


def test_a_json_body_of_many_empty_objects_is_refused_unread(post: Post) -> None:
    body = b'{"resourceSpans":[' + b",".join([b"{}"] * 1_000_001) + b"]}"
    assert "objects" in refusal(post(body), 413)


def field(number: int, content: bytes) -> bytes:
    """A message in a field of another."""
    size = len(content)
    head = bytes([number << 3 | 2])
    while size > 0x7F:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size]) + content


@pytest.mark.parametrize("kind", [JSON, PROTOBUF])
def test_come_again(post: Post, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    body = as_json(SENT) if kind == JSON else as_protobuf(SENT)
    with monkeypatch.context() as patched:
        patched.setattr(store, "take", away)
        answer = post(body, kind)
        assert (answer.status_code, int(answer["Retry-After"]) > 0) == (503, True)
    monkeypatch.setattr(otlp, "PATIENCE_S", 0.01)
    for _ in range(otlp.AT_ONCE):
        assert otlp._places.acquire(blocking=False)
    try:
        answer = post(body, kind)
        assert (answer.status_code, int(answer["Retry-After"]) > 0) == (429, True)
    finally:
        otlp._places.release(otlp.AT_ONCE)
    assert not Event.objects.exists()
    assert partial(post(body, kind), kind) == (0, "")  # what was stored in part is made whole
    assert Event.objects.count() == 1


def test_json_as_the_protocol_has_it(post: Post) -> None:
    loose = {**SENT, "unknown": [1], "links": None, "status": {}, "flags": 257}
    loose["traceId"] = SENT["traceId"].upper()
    loose["startTimeUnixNano"] = int(SENT["startTimeUnixNano"])
    loose["attributes"] = [
        *SENT["attributes"],
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "x"}]}}},
        {"key": "none", "value": None},
    ]
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [loose]}, {}]}, {"resource": None}]}
    assert partial(post(json.dumps(document).encode()), JSON) == (0, "")
    assert Event.objects.get().traceparent == f"00-{SENT['traceId']}-{SENT['spanId']}-01"


def test_any_text_and_kind_can_be_stored(post: Post) -> None:
    text = "a\0b\x7f" * 300
    names = ("messaging__message__conversation_id", "error__type", "x\0")
    said: dict[str, Any] = dict.fromkeys(names, text)
    strange = [
        span("producer", 1, **said) | {"name": text},
        span("consumer", 2, parent=1, **said, messaging__destination__name=text),
        span("consumer", 3, **said, messaging__message__id=text, messaging__system=text),
        span("internal", 4) | {"kind": 70_000},
    ]
    assert partial(post(as_protobuf(*strange, service__name=text), PROTOBUF), PROTOBUF) == (0, "")
    loose = as_json(*strange, service__name=text).replace(b"a\\u0000b", b"a\\ud800b")
    assert post(loose).status_code in (200, 400)
    assert (Event.objects.count(), Receipt.objects.count()) == (1, 2)
    assert Span.objects.filter(kind=0).count() == 1
