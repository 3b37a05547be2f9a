"""What a replay may rely on, on a real Redis (REDIS_SERVER= runs it on another version)."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from brokers import redis_signs
from brokers.contract import Delivered, Placement, Send, SendResult, Target
from brokers.redis_replay import MARKERS, RedisReplay
from brokers.redis_wire import Wire
from tests.support.redis_server import RedisServer

ORIGINAL = [b"ce-id", b"1", b"ce-source", b"shop", b"note", b"a", b"note", b"b", b"data", b"{\xff}"]
DEATH = [b"dead-letter-consumer", b"payment", b"dead-letter-error-type", b"KeyError"]
STREAM, QUEUE = "orders.0", "orders.payment.dlq"


@pytest.fixture
def server(redis_server: RedisServer, redis_url: str) -> "redis.Redis":
    """An empty server, raw replies."""
    client = redis_server.client()
    client.response_callbacks.clear()
    return client


@pytest.fixture
def replay(redis_url: str) -> Iterator[RedisReplay]:
    """The sends of that server."""
    wire = Wire(redis_url)
    yield RedisReplay(wire)
    wire.close()


def call(server: "redis.Redis", *command: object) -> Any:
    return server.execute_command(*command)  # type: ignore[no-untyped-call]


def add(server: "redis.Redis", stream: str, fields: list[bytes]) -> str:
    return bytes(call(server, "XADD", stream, "*", *fields)).decode()


def entries(server: "redis.Redis", stream: str) -> list[list[bytes]]:
    return [row[1] for row in call(server, "XRANGE", stream, "-", "+")]


def died(server: "redis.Redis", copies: int = 1) -> Send:
    """An event that `payment` read, gave up and acknowledged, with its dead letter's copies."""
    call(server, "XGROUP", "CREATE", STREAM, "payment", "0", "MKSTREAM")
    position = add(server, STREAM, ORIGINAL)
    call(server, "XREADGROUP", "GROUP", "payment", "p-1", "STREAMS", STREAM, ">")
    call(server, "XACK", STREAM, "payment", position)
    sources = [
        Placement(QUEUE, add(server, QUEUE, [*ORIGINAL, *DEATH, b"cascadeattempt", b"old"]))
        for _ in range(copies)
    ]
    return Send(
        attempt="r1-x-i1",
        consumer="payment",
        stream=STREAM,
        position=position,
        sources=sources,
        headers={"ce-id": "1", "ce-source": "shop", "note": "b"},
        body=b"{\xff}",
        edited=False,
    )


def test_a_copy_is_byte_for_byte_less_the_dead_lettering(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server, copies=2)
    (sent,) = replay.send(Target.MARK, [letter])
    assert sent.result is SendResult.SENT
    stamps = [b"cascadeattempt", b"r1-x-i1", b"cascadetarget", b"payment"]
    assert entries(server, STREAM) == [ORIGINAL, [*stamps, *ORIGINAL]]
    assert entries(server, QUEUE) == []
    assert replay.markers(["r1-x-i1", "other"]) == {"r1-x-i1": sent.placement}


def test_the_same_attempt_is_not_sent_twice(server: "redis.Redis", replay: RedisReplay) -> None:
    letter = died(server)
    first, second = replay.send(Target.MARK, [letter, letter])
    (third,) = replay.send(Target.REPEND, [letter])
    assert (first.result, second.result, third.result) == (
        SendResult.SENT,
        SendResult.AGAIN,
        SendResult.AGAIN,
    )
    assert first.placement == second.placement == third.placement
    assert len(entries(server, STREAM)) == 2


def test_an_edit_changes_what_it_names_and_nothing_else(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    edited = Send(
        attempt="r1-x-i2",
        consumer="payment",
        stream=STREAM,
        position=letter.position,
        sources=letter.sources,
        headers={"ce-id": "1", "ce-source": "shop", "added": "new"},
        body=b'{"currency": "EUR"}',
        edited=True,
        origin=letter.headers,
    )
    replay.send(Target.TOPIC, [edited])
    sent = entries(server, STREAM)[1][4:]
    assert sent == [
        *(b"ce-id", b"1", b"ce-source", b"shop", b"data", b'{"currency": "EUR"}'),
        *(b"added", b"new"),
    ]


def test_a_letter_without_its_copy_is_sent_from_what_was_kept(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server, copies=0)
    (sent,) = replay.send(Target.MARK, [letter])
    assert sent.result is SendResult.SENT
    assert entries(server, STREAM)[1][4:] == [
        *(b"ce-id", b"1", b"ce-source", b"shop", b"note", b"b", b"data", b"{\xff}")
    ]


@pytest.mark.parametrize("target", list(Target))
def test_nothing_is_sent_when_another_took_the_copy(
    server: "redis.Redis", replay: RedisReplay, target: Target
) -> None:
    letter = died(server)
    assert replay.remove(letter.sources) == 1
    assert replay.remove(letter.sources) == 0
    (sent,) = replay.send(target, [letter])
    assert sent.result is SendResult.GONE
    assert len(entries(server, STREAM)) == 1
    assert replay.markers([letter.attempt]) == {}


def test_repend_gives_the_original_to_that_consumer_alone(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    call(server, "XGROUP", "CREATE", STREAM, "inventory", "0")
    (sent,) = replay.send(Target.REPEND, [letter])
    assert sent.placement == Placement(STREAM, letter.position)
    assert entries(server, STREAM) == [ORIGINAL]
    assert entries(server, QUEUE) == []
    assert call(server, "XPENDING", STREAM, "inventory")[0] == 0
    position, process, idle, tries = call(server, "XPENDING", STREAM, "payment", "-", "+", 9)[0]
    assert (position.decode(), process, tries) == (letter.position, b"p-1", 0)
    assert idle >= 3_600_000
    field = f"{STREAM}|{letter.position}|payment"
    assert call(server, "HGET", "cascade:replays", field) == b"r1-x-i1"
    claimed = call(server, "XAUTOCLAIM", STREAM, "payment", "p-2", 60_000, "0")
    assert claimed[1] == [[letter.position.encode(), ORIGINAL]]


def test_repend_says_when_the_original_is_gone(server: "redis.Redis", replay: RedisReplay) -> None:
    letter = died(server)
    call(server, "XDEL", STREAM, letter.position)
    (sent,) = replay.send(Target.REPEND, [letter])
    assert sent.result is SendResult.NO_ENTRY
    assert len(entries(server, QUEUE)) == 1
    assert call(server, "XPENDING", STREAM, "payment")[0] == 0


def test_repend_leaves_the_copy_of_an_earlier_replay_alone(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    copy = add(server, STREAM, [*ORIGINAL, b"cascadeattempt", b"r0"])
    (sent,) = replay.send(Target.REPEND, [dataclasses.replace(letter, position=copy)])
    assert sent.result is SendResult.NO_ENTRY


def test_repend_refuses_what_is_still_pending(server: "redis.Redis", replay: RedisReplay) -> None:
    letter = died(server)
    call(server, "XCLAIM", STREAM, "payment", "p-9", "0", letter.position, "FORCE")
    (sent,) = replay.send(Target.REPEND, [letter])
    assert sent.result is SendResult.REFUSED
    assert "p-9" in sent.detail
    assert len(entries(server, QUEUE)) == 1


def test_a_refusal_leaves_everything_as_it_was(server: "redis.Redis", replay: RedisReplay) -> None:
    letter = died(server)
    call(server, "DEL", STREAM)
    call(server, "SET", STREAM, "no stream")
    for target in (Target.MARK, Target.REPEND):
        (sent,) = replay.send(target, [letter])
        assert sent.result in (SendResult.REFUSED, SendResult.UNKNOWN)
    assert len(entries(server, QUEUE)) == 1
    assert replay.markers([letter.attempt]) == {}


def test_a_marker_survives_kill_9(
    redis_server: RedisServer, server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    (sent,) = replay.send(Target.MARK, [letter])
    redis_server.restart()
    assert replay.markers([letter.attempt]) == {letter.attempt: sent.placement}
    assert replay.present(letter.sources) == set()
    assert replay.send(Target.MARK, [letter])[0].result is SendResult.AGAIN


def test_a_server_that_is_away_is_unknown_never_unsent(
    redis_server: RedisServer, server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    redis_server.kill()
    try:
        (sent,) = replay.send(Target.MARK, [letter])
    finally:
        redis_server.start()
    assert sent.result is SendResult.UNKNOWN


def test_where_a_message_stands(server: "redis.Redis", replay: RedisReplay) -> None:
    letter = died(server)
    (sent,) = replay.send(Target.MARK, [letter])
    assert sent.placement is not None
    place = (sent.placement, "payment")
    assert replay.delivered([place]) == [Delivered.AHEAD]
    call(server, "XREADGROUP", "GROUP", "payment", "p-1", "STREAMS", STREAM, ">")
    assert replay.delivered([place]) == [Delivered.PENDING]
    call(server, "XACK", STREAM, "payment", sent.placement.position)
    assert replay.delivered([place]) == [Delivered.ACKNOWLEDGED]
    assert replay.delivered([(sent.placement, "nobody")]) == [Delivered.UNKNOWN]
    assert replay.delivered([]) == []


@pytest.mark.parametrize("target", [Target.REPEND, Target.MARK])
def test_a_withdrawn_attempt_is_never_sent(
    server: "redis.Redis", replay: RedisReplay, target: Target
) -> None:
    send = died(server)
    assert replay.withdraw([send.attempt]) == {}
    assert replay.markers([send.attempt]) == {}
    assert [answer.result for answer in replay.send(target, [send])] == [SendResult.REFUSED]
    assert len(entries(server, QUEUE)) == 1
    other = dataclasses.replace(send, attempt="r2-x-i1")
    (answer,) = replay.send(target, [other])
    assert answer.result is SendResult.SENT
    assert replay.withdraw([other.attempt]) == {other.attempt: answer.placement}


def test_a_forgotten_attempt_keeps_its_marker_for_a_day(
    server: "redis.Redis", replay: RedisReplay
) -> None:
    letter = died(server)
    (sent,) = replay.send(Target.REPEND, [letter])
    assert sent.placement is not None
    replay.forget([(letter.attempt, "payment", sent.placement)])
    assert 0 < call(server, "TTL", MARKERS + letter.attempt) <= 86_400
    assert call(server, "HLEN", "cascade:replays") == 0


def test_signs(server: "redis.Redis", redis_url: str) -> None:
    seconds, _ = call(server, "TIME")
    now_ms = int(seconds) * 1000
    call(server, "HSET", "cascade:reclaims", "orders.0|payment", now_ms)
    call(server, "HSET", "cascade:reclaims", "orders.1|payment", now_ms - 31_000)
    call(server, "HSET", "cascade:honours-mark", "payment", now_ms, "broken", "soon")
    signs = redis_signs.read(Wire(redis_url))
    assert signs.seen_reclaiming("orders.0", "payment")
    assert not signs.seen_reclaiming("orders.1", "payment")
    assert signs.honours_mark("payment")
    assert not signs.honours_mark("broken")
    assert signs.durable
    call(server, "CONFIG", "SET", "appendfsync", "everysec")
    try:
        assert "everysec" in redis_signs.read(Wire(redis_url)).why_not_durable
    finally:
        call(server, "CONFIG", "SET", "appendfsync", "always")
