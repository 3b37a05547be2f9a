"""Which field of an entry is its body, where none is called `data`."""

import pytest

from brokers.redis_body import take_body


@pytest.mark.parametrize(
    ("fields", "name", "body"),
    [
        ({"__data__": b"\x89BIN"}, "__data__", b"\x89BIN"),
        ({"payload": b'{"a":1}', "type": b"x"}, "payload", b'{"a":1}'),
        ({"body": b" [1] ", "message": b'{"b":1}'}, "body", b" [1] "),
        ({"message": b'{"b":1}', "level": b"info"}, "message", b'{"b":1}'),
        ({'{"id":1}': b'{"op":"c"}'}, '{"id":1}', b'{"op":"c"}'),
        ({"order": b"{}", "dead-letter-reason": b"x", "cascadeattempt": b"1"}, "order", b"{}"),
        ({"message": b"hello", "level": b"info"}, "data", None),
        ({"message": b"hello"}, "data", None),
        ({"order": b"{}", "status": b"x"}, "data", None),
        ({"payload": b"{}", "ce-id": b"1"}, "data", None),
        ({}, "data", None),
    ],
)
def test_the_body_of_an_entry(fields: dict[str, bytes], name: str, body: bytes | None) -> None:
    named = {field.encode(): value for field, value in fields.items()}
    assert take_body(named) == (name, body)
    assert (name.encode() in named) is False
    assert len(named) == len(fields) - (body is not None)
