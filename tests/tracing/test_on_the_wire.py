"""What the web server makes of a request before it is ours: repeated headers, chunks, OPTIONS."""

import gzip
import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.support.web import RunningWeb

Served = tuple[RunningWeb, str]
TRACE = "00-5bf92f3577b34da6a3ce929d0e0e47{:02x}-10f067aa0ba902b7-00"
JSON = ("Content-Type", "application/cloudevents+json")


def event(**more: Any) -> bytes:
    """A new event's body."""
    good = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/wire", "type": "Sent"}
    return json.dumps({**good, **more}).encode()


def sent(
    served: Served, method: str, *headers: tuple[str, str], body: Any = None
) -> http.client.HTTPResponse:
    """The answer to exactly these headers."""
    web, token = served
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    connection.putrequest(method, "/api/events")
    connection.putheader("Authorization", f"Bearer {token}")
    for name, value in headers:
        connection.putheader(name, value)
    if isinstance(body, bytes):
        connection.putheader("Content-Length", str(len(body)))
    elif body is not None:
        connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders(body, encode_chunked=body is not None and not isinstance(body, bytes))
    answer = connection.getresponse()
    answer.read()
    return answer


def has_flow(served: Served, flow_id: str) -> bool:
    """Whether there is a cascade of this name."""
    web, token = served
    try:
        return bool(web.api(f"cascades/{flow_id}", token))
    except HTTPError as error:
        assert error.code == 404
        return False


def test_one_traceparent_names_the_flow_and_two_do_not(served: Served) -> None:
    single, first, second = (TRACE.format(number) for number in range(3))
    assert sent(served, "POST", JSON, ("traceparent", f"  {single}\t"), body=event()).status == 202
    assert has_flow(served, single.split("-")[1])
    twice = [("traceparent", first), ("Traceparent", second)]
    assert sent(served, "POST", JSON, *twice, body=event()).status == 202
    assert not has_flow(served, first.split("-")[1])
    assert not has_flow(served, second.split("-")[1])


def test_an_attribute_in_two_headers_is_not_taken_for_one(served: Served) -> None:
    binary = [("ce-specversion", "1.0"), ("ce-specversion", "1.0"), ("ce-id", str(uuid.uuid4()))]
    more = [("ce-source", "/wire"), ("ce-type", "Sent")]
    assert sent(served, "POST", *binary, *more, body=b"").status == 400


@pytest.mark.parametrize("zipped", [False, True])
def test_chunks(served: Served, zipped: bool) -> None:
    flow = str(uuid.uuid4())
    body = event(correlationid=flow, data="x" * 200_000)
    whole = gzip.compress(body) if zipped else body
    parts = [whole[at : at + 7_000] for at in range(0, len(whole), 7_000)]
    encoding = [("Content-Encoding", "gzip")] if zipped else []
    assert sent(served, "POST", JSON, *encoding, body=iter(parts)).status == 202
    assert has_flow(served, flow)


def test_chunks_beyond_the_limit(served: Served) -> None:
    def large() -> Iterator[bytes]:
        for _ in range(11):
            yield b" " * 100_000

    assert sent(served, "POST", JSON, body=large()).status == 413


def test_the_handshake(served: Served) -> None:
    granted = sent(served, "OPTIONS", ("WebHook-Request-Origin", "a.example"))
    assert (granted.status, granted.getheader("WebHook-Allowed-Origin")) == (204, "a.example")
    refused = sent(served, "OPTIONS", ("WebHook-Request-Origin", "b.example"))
    assert (refused.status, refused.getheader("WebHook-Allowed-Origin")) == (403, None)
