"""What becomes of an event's data: kept byte for byte, a string never parsed again."""

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tracing.test_envelope import GOOD, read, refused
from tracing.envelope import from_headers, from_structured


@pytest.mark.parametrize(
    ("members", "data", "kind"),
    [
        ({}, None, ""),
        ({"data": None}, b"null", "application/json"),
        ({"data": "x"}, b'"x"', "application/json"),
        ({"data": {"a": 1}}, b'{"a": 1}', "application/json"),
        ({"data": "1", "datacontenttype": "a/b+json"}, b'"1"', "a/b+json"),
        ({"data": "<a/>", "datacontenttype": "text/xml"}, b"<a/>", "text/xml"),
        ({"data": "\u00fc", "datacontenttype": "text/plain"}, "ü".encode(), "text/plain"),
        ({"data_base64": "AAE="}, b"\0\1", "application/octet-stream"),
        ({"data_base64": "e30="}, b"{}", "application/octet-stream"),  # not taken for JSON
        ({"data_base64": "e30=", "datacontenttype": "a/json"}, b"{}", "a/json"),
        ({"data_base64": None}, None, ""),
        ({"data": 1, "data_base64": None}, b"1", "application/json"),
        ({"data": '{"a":1}'}, b'"{\\"a\\":1}"', "application/json"),  # a string stays one
    ],
)
def test_data(members: dict[str, Any], data: bytes | None, kind: str) -> None:
    event = read(**members)
    assert (event.data, event.content_type) == (data, kind)


@pytest.mark.parametrize(
    "members",
    [{"data": 1, "data_base64": "AAE="}, {"data_base64": "%"}, {"data_base64": 1}],
)
def test_bad_data(members: dict[str, Any]) -> None:
    assert refused(**members) == "data_base64"


def test_data_is_kept_byte_for_byte() -> None:
    body = json.dumps(GOOD)[:-1].encode() + b', "data" : {"z": 1.10,  "a":1e2, "z":2} }'
    assert from_structured(body).data == b'{"z": 1.10,  "a":1e2, "z":2}'


@given(st.binary())
def test_bytes_are_bytes_in_every_mode(data: bytes) -> None:
    kind = "application/octet-stream"
    event = read(data_base64=b64encode(data).decode(), datacontenttype=kind)
    assert (event.data, event.content_type) == (data, kind)
    headers = {f"ce-{name}": value for name, value in GOOD.items()}
    posted = from_headers(headers, kind, data)
    assert (posted.data or b"", posted.content_type) == (data, kind)
