"""The rules of CloudEvents, one table each: what is taken and what is refused, and why."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kit import limits
from kit.limits import ATTRIBUTE_BYTES, Intake
from tracing.envelope import (
    BatchError,
    Envelope,
    EnvelopeError,
    LimitError,
    from_batch,
    from_structured,
)
from tracing.envelope.attributes import rfc3339

GOOD = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "OrderPlaced"}
ATTRIBUTES, NESTING = Intake().attributes, Intake().nesting
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def read(**changes: Any) -> Envelope:
    """The event with these members; None drops one."""
    return from_structured(json.dumps({**GOOD, **changes}).encode())


def refused(**changes: Any) -> str:
    """The attribute that is to blame."""
    with pytest.raises(EnvelopeError) as caught:
        read(**changes)
    return caught.value.path


@pytest.mark.parametrize("name", GOOD)
def test_required(name: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(EnvelopeError) as caught:
        from_structured(json.dumps(without).encode())
    assert (caught.value.path, caught.value.reason) == (name, "is missing")
    assert refused(**{name: ""}) == name
    assert refused(**{name: None}) == name  # null is absent
    assert refused(**{name: 1}) == name
    assert refused(**{name: {"a": 1}}) == name


@pytest.mark.parametrize("version", ["0.3", "1", "1.1", "1.0 "])
def test_specversion(version: str) -> None:
    assert refused(specversion=version) == "specversion"


@pytest.mark.parametrize("name", ["Upper", "with-dash", "with_line", "with space", "ä", ""])
def test_bad_names(name: str) -> None:
    assert refused(**{name: "x"}) == name


def test_extensions_are_kept_as_canonical_text() -> None:
    event = read(word="x", number=-5, yes=True, no=False, nothing=None)
    assert event.extensions == {"word": "x", "number": "-5", "yes": "true", "no": "false"}


@pytest.mark.parametrize("value", [1.5, 2**31, -(2**31) - 1, 10**30, [1], {"a": 1}, 1e3])
def test_bad_extension_types(value: Any) -> None:
    assert refused(more=value) == "more"


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31)])
def test_integers_have_32_bits(value: int) -> None:
    assert read(more=value).extensions == {"more": str(value)}


@pytest.mark.parametrize("bad", ["\x00", "\x1f", "\x7f", "\x9f", "\ufdd0", "\uffff", "\U0001fffe"])
def test_forbidden_characters(bad: str) -> None:
    assert refused(subject=f"a{bad}b") == "subject"
    assert refused(more=bad) == "more"


@pytest.mark.parametrize("good", ["ü", "\u00a0", "\u200b", "\U0001f980", "\u3000", " "])
def test_other_characters(good: str) -> None:
    assert read(subject=f"a{good}b").subject == f"a{good}b"


def test_a_lone_surrogate_is_refused() -> None:
    body = json.dumps({**GOOD, "subject": "?"}).replace("?", "\\ud800").encode()
    with pytest.raises(EnvelopeError):
        from_structured(body)


@pytest.mark.parametrize(
    "source",
    [
        "/shop",
        "urn:x:1",
        "https://a.b/c?d=e#f",
        "#fragment",
        "a/b:c",
        "%41",
        "//host/p",
        "mailto:a@b",
    ],
)
def test_source_is_a_uri_reference(source: str) -> None:
    assert read(source=source).source == source


@pytest.mark.parametrize("source", ["with space", "1a:b", "%4", "<a>", "ä", "a#b#c", "a\\b", ":x"])
def test_source_that_is_none(source: str) -> None:
    assert refused(source=source) == "source"


@pytest.mark.parametrize(
    ("schema", "good"),
    [("https://a.b/s.json", True), ("urn:s", True), ("/s.json", False), ("s", False), ("", False)],
)
def test_dataschema_is_absolute(schema: str, good: bool) -> None:
    if good:
        assert read(dataschema=schema).dataschema == schema
    else:
        assert refused(dataschema=schema) == "dataschema"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-18T14:23:04Z", datetime(2026, 8, 18, 14, 23, 4, tzinfo=UTC)),
        ("2026-08-18t14:23:04z", datetime(2026, 8, 18, 14, 23, 4, tzinfo=UTC)),
        ("2026-08-18T14:23:04.5+02:00", datetime(2026, 8, 18, 12, 23, 4, 500_000, tzinfo=UTC)),
        (
            "2026-08-18T14:23:04.123456789-00:00",
            datetime(2026, 8, 18, 14, 23, 4, 123_456, tzinfo=UTC),
        ),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)
def test_time(text: str, moment: datetime) -> None:
    event = read(time=text)
    assert (event.time, event.time_text) == (moment, text)


@pytest.mark.parametrize(
    "text",
    [
        "lunchtime",
        "2026-08-18",
        "2026-08-18T14:23Z",
        "2026-08-18T14:23:04",
        "2026-08-18T14:23:00X",
        "2026-08-18T14:23:04+25:00",
        "2026-08-18T14:23:04+05",
        "2026-02-30T14:23:04Z",
        "2026-08-18T25:23:04Z",
        "2026-08-18T14:23:04.Z",
        "20260818T142304Z",
        "0001-01-01T00:00:00+23:00",
        "２026-08-18T14:23:04Z",
        "",
    ],
)
def test_time_that_is_none(text: str) -> None:
    assert refused(time=text) == "time"
    with pytest.raises(ValueError, match="RFC 3339"):
        rfc3339(text)


@pytest.mark.parametrize(
    "kind",
    ["application/json", "Application/JSON; charset=utf-8", 'a/b; c="d;e"', "image/svg+xml"],
)
def test_media_type(kind: str) -> None:
    assert read(datacontenttype=kind).content_type == kind


@pytest.mark.parametrize("kind", ["json", "a/b/c", "a/", "/b", "a/b; c", "a b/c"])
def test_media_type_that_is_none(kind: str) -> None:
    assert refused(datacontenttype=kind) == "datacontenttype"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"1",
        b"null",
        b'{"id": nul}',
        b"\xff\xfe{}",
        b'{"a": "\xff"}',
        json.dumps(GOOD).encode()[:-1],
        json.dumps(GOOD).encode() + b"x",
        json.dumps(GOOD)[:-1].encode() + b', "data": "\x01"}',
    ],
)
def test_no_json_object(body: bytes) -> None:
    with pytest.raises(EnvelopeError):
        from_structured(body)


def test_each_attribute_once() -> None:
    body = json.dumps(GOOD)[:-1].encode() + b', "id": "2"}'
    with pytest.raises(EnvelopeError, match="twice"):
        from_structured(body)
    with pytest.raises(BatchError) as caught:
        from_batch(b"[" + json.dumps(GOOD).encode() + b"," + body + b"]")
    assert [index for index, _ in caught.value.errors] == [1]


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_nesting_is_bounded(opened: str) -> None:
    def nested(depth: int) -> bytes:
        closed = "]" if opened == "[" else "}"
        data = opened * depth + "1" + closed * depth
        return (json.dumps(GOOD)[:-1] + f', "data": {data}}}').encode()

    assert from_structured(nested(NESTING - 1)).data
    for depth in (NESTING, 5_000, 100_000):
        with pytest.raises(LimitError, match="deeper"):
            from_structured(nested(depth))


def test_brackets_in_strings_are_no_nesting() -> None:
    assert read(data=["[{" * 100, '"[' * 100, "\\[" * 100]).data
    assert read(data=[[]] * 1_000).data


def test_sizes() -> None:
    many = {f"x{number}": "1" for number in range(ATTRIBUTES - len(GOOD))}
    assert len(read(**many).extensions) == ATTRIBUTES - len(GOOD)
    with pytest.raises(LimitError, match="attributes"):
        read(**many, more="1")
    assert read(more="x" * ATTRIBUTE_BYTES).extensions["more"]
    assert refused(more="ü" * (ATTRIBUTE_BYTES // 2 + 1)) == "more"
    assert read(id="x" * 1024).id
    assert refused(id="x" * 1025) == "id"
    assert refused(correlationid="x" * 256) == "correlationid"
    for beyond in ({"id": "x" * 1025}, {"more": "x" * (ATTRIBUTE_BYTES + 1)}):
        with pytest.raises(LimitError):
            read(**beyond)


def test_limits_are_those_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "intake", Intake(attributes=16, nesting=8))
    with pytest.raises(LimitError, match="more than 16"):
        read(**{f"x{number}": "1" for number in range(13)})
    assert read(data=[[[[[[["6"]]]]]]]).data  # the event itself is the first level
    with pytest.raises(LimitError, match="deeper than 8"):
        read(data=[[[[[[[["8"]]]]]]]])


def test_batch() -> None:
    assert from_batch(b"[]") == []
    assert len(from_batch(json.dumps([GOOD, GOOD]).encode())) == 2
    members: list[Any] = [GOOD, {**GOOD, "id": 1}, [], "x", {**GOOD, "time": "noon"}]
    with pytest.raises(BatchError) as caught:
        from_batch(json.dumps(members).encode())
    assert [(index, error.path) for index, error in caught.value.errors] == [
        (1, "id"),
        (2, ""),
        (3, ""),
        (4, "time"),
    ]
    with pytest.raises(EnvelopeError):
        from_batch(json.dumps(GOOD).encode())
