"""What of a body can be searched: its values as they are shown, and nothing that is masked."""

import json

import pytest

from tracing.search.readable import CHARACTERS, EDGE, readable

JSON = "application/json"
CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        (b'{"a": "one", "b": [2, {"c": 3.5}], "d": true, "e": null}', JSON, "one\n2\n3.5"),
        (b'{"a": "one"}', "", "one"),
        (b'"bare"', "application/vnd.x+json; charset=utf-8", "bare"),
        (b'{"broken": ', JSON, ""),
        (b"\xff\xfe{}", JSON, ""),
        (b"[" * 100_000, JSON, ""),
        (b"plain words", "text/plain; charset=utf-8", "plain words"),
        (b"<pin>1234</pin>", "text/xml", ""),
        (b"<pin>1234</pin>", "application/xml", ""),
        (b"\x89PNG", "image/png", ""),
        (None, JSON, ""),
    ],
)
def test_values_of_json_and_plain_text_are_readable(
    data: bytes | None, content_type: str, text: str
) -> None:
    assert readable(data, content_type) == text


@pytest.mark.parametrize(
    "body",
    [
        {"password": "hunter2"},
        {"outer": [{"api_key": {"value": "hunter2"}}]},
        {"note": "password=hunter2"},
        {"note": "Bearer hunter2hunter2"},
    ],
)
def test_what_is_masked_where_it_is_shown_cannot_be_searched(body: object) -> None:
    assert "hunter2" not in readable(json.dumps(body).encode(), JSON)


def test_a_card_number_is_masked_as_text_and_as_a_number() -> None:
    body = json.dumps({"a": CARD, "b": int(CARD.replace(" ", ""))}).encode()
    assert "1111 1111" not in readable(body, JSON)
    assert "4111111" not in readable(body, JSON)


def test_a_long_body_is_cut_and_no_half_of_a_secret_is_left() -> None:
    secret = "password=" + "s" * 40
    text = "w" * (CHARACTERS - 20) + " " + secret
    for data, kind in ((text.encode(), "text/plain"), (json.dumps([text]).encode(), JSON)):
        found = readable(data, kind)
        assert CHARACTERS - 2 * EDGE < len(found) < CHARACTERS
        assert "sss" not in found
