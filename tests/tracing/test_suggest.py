"""Proposals from samples: what is called so, what looks so, and what is neither."""

import json
from typing import Any

import pytest

from tests.tracing.test_foreign import read
from tracing.envelope import Rules
from tracing.envelope.suggest import SAMPLES, Suggestion, suggest


def proposed(*bodies: dict[str, Any], headers: Any = lambda _: {}) -> Suggestion:
    """What is proposed for messages with these bodies."""
    return suggest(
        [read(headers(body), json.dumps(body).encode(), rules=Rules()) for body in bodies]
    )


def places(found: Suggestion) -> dict[str, str]:
    """The proposed places, keys as `key:kind`."""
    keys = {f"key:{kind}": one.place for kind, one in found.keys.items()}
    return {name: one.place for name, one in found.fields.items()} | keys


def uuid(number: int) -> str:
    """Something that looks like one."""
    return f"5a1c0000-0000-4000-8000-{number:012d}"


def chain(number: int, **more: Any) -> dict[str, Any]:
    """Message `number` of flows of three messages each."""
    return {
        "meta": {
            "eventId": uuid(number),
            "correlationId": uuid(9000 + number // 3),
            "causedBy": uuid(number - 1) if number % 3 else None,
            "occurredAt": f"2026-08-18T14:23:{number:02d}Z",
            "producer": ("checkout", "billing", "parcel")[number % 3],
        },
        "type": ("placed", "paid", "sent")[number % 3],
        "order": {"id": 4700 + number // 3, "total": "19.90"},
        "customer_id": f"c-{number // 3}",
        "api_token_id": "t",
        **more,
    }


def test_members_are_known_by_their_names() -> None:
    assert places(proposed(*map(chain, range(9)))) == {
        "id": "/meta/eventId",
        "causation": "/meta/causedBy",
        "correlation": "/meta/correlationId",
        "type": "/type",
        "source": "/meta/producer",
        "time": "/meta/occurredAt",
        "key:order": "/order/id",
        "key:customer": "/customer_id",
    }


def test_members_are_known_by_what_is_in_them() -> None:
    bodies = [
        {
            "a": uuid(number),
            "b": uuid(number - 1) if number % 3 else "",
            "c": f"S-2026-{number // 3:04d}",
            "when": f"2026-08-18 14:23:{number:02d}",
            "text": "hello",
        }
        for number in range(9)
    ]
    found = proposed(*bodies)
    assert places(found) == {
        "id": "/a",
        "causation": "/b",
        "correlation": "/c",
        "time": "/when",
    }
    assert found.fields["causation"].why == "holds IDs of other messages"
    assert found.fields["correlation"].why == "IDs that several messages share"


def test_what_is_not_sure_is_not_proposed() -> None:
    # an `id` that comes again is the order's, not the message's; 3 is no time; a name is no type
    bodies = [
        {"id": number // 2, "ts": 3, "type": f"free text {number}", "note": "x" * 500}
        for number in range(26)
    ]
    assert places(proposed(*bodies)) == {}
    assert places(proposed({"n": 1.5}, {"n": 2.5})) == {}
    assert suggest([]).samples == 0


def test_fields_beside_the_body_are_headers_and_else_the_body() -> None:
    beside = proposed(
        *({"total": n} for n in range(4)), headers=lambda body: {"msg-id": f"m-{body['total']}"}
    )
    assert places(beside) == {"id": "header:msg-id"}
    plain = suggest([read({"msg-id": f"m-{n}", "kind": "placed"}, None) for n in range(4)])
    assert places(plain) == {"id": "/msg-id", "type": "/kind"}


def test_causes_in_a_list_and_a_name_with_a_slash() -> None:
    bodies = [
        {"m/id": uuid(n), "from": [uuid(n - 1), uuid(n - 2)] if n > 1 else []} for n in range(8)
    ]
    found = places(proposed(*bodies))
    assert found["causation"] == "/from"
    assert found["id"] == "/m~1id"


def test_a_proposal_is_a_mapping_that_fits() -> None:
    bodies = [chain(number) for number in range(9)]
    mapping = proposed(*bodies).mapping("shop", "orders.*")
    event = read({}, json.dumps(bodies[4]).encode(), rules=Rules({}, [mapping]))
    assert (event.id, event.correlation_id, event.causes) == (uuid(4), uuid(9001), (uuid(3),))
    assert (event.type, event.source) == ("paid", "billing")
    assert event.keys == (("customer", "c-1"), ("order", "4701"))


def test_only_so_many_samples_are_looked_at() -> None:
    assert proposed(*map(chain, range(60))).samples == SAMPLES


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"{}", b"", b'"x"'])
def test_any_sample_will_do(body: bytes) -> None:
    assert places(suggest([read({}, body, rules=Rules())] * 3)) == {}
