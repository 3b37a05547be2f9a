"""Each framework's marks as it writes them, and the normal form they are read to."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers import dialects
from brokers.dialects.normal import binary_number
from tests.brokers.marks_of_dead_letters import CASES, as_text

KEPT = {"ce-id": "e-1", "content-type": "application/json", "tenant": "north"}
CAUSALITY = {
    "NServiceBus.MessageId": "m-1",
    "NServiceBus.ConversationId": "c-1",
    "NServiceBus.RelatedTo": "m-0",
}


@pytest.mark.parametrize(("name", "marks", "wanted"), CASES, ids=[case[0] for case in CASES])
def test_marks_are_read_and_taken_off(
    name: str, marks: dict[str, str], wanted: dict[str, Any]
) -> None:
    found = dialects.read({**KEPT, **marks})

    assert found.dialect == name
    assert {field: getattr(found, field) for field in wanted} == wanted
    assert found.headers == KEPT
    assert found.marks == tuple(sorted(marks))


def test_an_unknown_dead_letter_is_one_all_the_same() -> None:
    found = dialects.read(KEPT)

    assert (found.dialect, found.headers, found.marks, found.evidence) == ("", KEPT, (), "")


def test_causality_stays() -> None:
    found = dialects.read({**CAUSALITY, "NServiceBus.FailedQ": "payment"})
    assert found.headers == CAUSALITY

    task = {"task": "shop.charge", "id": "t-2", "root_id": "t-1", "parent_id": "t-1"}
    celery = dialects.read({**task, "retries": "2"})
    assert (celery.dialect, celery.attempts, celery.marks) == ("celery", 3, ())
    assert celery.headers == {**task, "retries": "2"}


def test_a_framework_is_named_before_the_broker_beneath_it() -> None:
    both = {
        "x-death": '[{"queue":"error","reason":"expired","count":1}]',
        "NServiceBus.FailedQ": "payment",
        "task": "shop.charge",
        "id": "t-1",
        "root_id": "t-1",
    }
    assert dialects.read(both).dialect == "nservicebus"
    del both["NServiceBus.FailedQ"]
    assert dialects.read(both).dialect == "rabbitmq"


@pytest.mark.parametrize(
    ("raw", "size", "number"),
    [
        (b"\x00\x00\x00\x03", 4, 3),
        (b"\x00\x00\x01\xff", 4, 511),
        (b"\xff\xff\xff\xff", 4, None),
        (b"0042", 4, 42),
        (b"7", 4, 7),
        (b"\x7f" + b"\xff" * 7, 8, 2**63 - 1),
        (b"123456789012345678", 8, 123456789012345678),
        (b"1234567890", 4, None),
        (b"\x00\x00\x03", 4, None),
        (b"three", 4, None),
        (b"", 4, None),
    ],
)
def test_numbers_in_digits_and_in_bytes(raw: bytes, size: int, number: int | None) -> None:
    assert binary_number(as_text(raw), size) == number


NAMES = sorted({name for _, marks, _ in CASES for name in marks})


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=60)))
def test_whatever_the_marks_say_nothing_is_raised_or_lost(marks: Mapping[str, str]) -> None:
    found = dialects.read({**KEPT, **marks})

    assert KEPT.items() <= found.headers.items()
    assert {*found.headers, *found.marks} == {*KEPT, *marks}
    assert found.attempts is None or 0 <= found.attempts < 2**31
    assert msgspec.json.encode(found)
