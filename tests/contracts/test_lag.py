"""How far behind a consumer is, on a real server; REDIS_SERVER runs the same on another one."""

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from brokers import redis_count
from brokers.config import BrokerConfig
from brokers.contract import BrokerError, ConsumerLag, Delivered, Method, Role, StreamState
from brokers.redis_streams import RedisStreams
from tests.support.redis_server import RedisServer


@pytest.fixture
def client(redis_server: RedisServer, redis_url: str) -> Any:
    return redis_server.client()


@pytest.fixture
def broker(redis_url: str) -> Iterator[RedisStreams]:
    broker = RedisStreams(BrokerConfig(name="shop", url=redis_url))
    yield broker
    broker.close()


def fill(client: Any, stream: str, count: int) -> list[str]:
    return [client.xadd(stream, {"data": b"{}"}).decode() for _ in range(count)]


def only(broker: RedisStreams) -> ConsumerLag:
    (line,) = broker.lag()
    return line


def take(client: Any, count: int, *, ack: bool = True) -> list[str]:
    reply = client.xreadgroup("payment", "p1", {"orders.0": ">"}, count=count)
    positions = [position.decode() for _, items in reply for position, _ in items]
    if ack and positions:
        client.xack("orders.0", "payment", *positions)
    return positions


def test_an_empty_stream_is_zero_not_unknown(broker: RedisStreams, client: Any) -> None:
    client.xgroup_create("orders.0", "payment", "0", mkstream=True)
    line = only(broker)
    assert (line.messages, line.method, line.oldest_s, line.pending) == (0, Method.EXACT, None, 0)
    assert (line.topic, line.consumer, line.lost) == ("orders", "payment", 0)


def test_a_new_group_has_the_whole_stream_before_it(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 7)
    client.xgroup_create("orders.0", "payment", "0")
    line = only(broker)
    assert (line.messages, line.method) == (7, Method.EXACT)
    assert line.oldest_s is not None


def test_counted_from_the_middle(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 10)
    client.xgroup_create("orders.0", "payment", "0")
    took = take(client, 4, ack=False)
    client.xack("orders.0", "payment", took[0])
    line = only(broker)
    assert (line.messages, line.pending, line.cursor) == (6, 3, took[-1])
    assert line.oldest_pending_s is not None
    assert [member.name for member in line.members] == ["p1"]
    assert line.lost == 0


def test_deletions_ahead_of_the_group_are_not_lag(broker: RedisStreams, client: Any) -> None:
    positions = fill(client, "orders.0", 10)
    client.xgroup_create("orders.0", "payment", "0")
    take(client, 2)
    client.xdel("orders.0", *positions[5:8])
    assert only(broker).messages == 5


def test_trimmed_before_it_was_read_is_lost_and_never_lag(
    broker: RedisStreams, client: Any
) -> None:
    fill(client, "orders.0", 10)
    client.xgroup_create("orders.0", "payment", "0")
    take(client, 2)
    client.xtrim("orders.0", maxlen=3, approximate=False)
    line = only(broker)
    assert (line.messages, line.method) == (3, Method.EXACT)
    counts = "entries-added" in client.xinfo_stream("orders.0")
    assert line.lost == (5 if counts else None)  # 6.2 cannot tell: unknown, not 0


def test_pending_whose_payload_is_gone(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 5)
    client.xgroup_create("orders.0", "payment", "0")
    took = take(client, 4, ack=False)
    client.xtrim("orders.0", maxlen=2, approximate=False)  # 3 of the 4 pending
    line = only(broker)
    assert (line.pending, line.payload_lost) == (4, 3)
    assert "payload is gone" in line.reason
    client.xdel("orders.0", took[-1])
    assert only(broker).payload_lost == 4


def test_positions_not_made_by_a_clock_have_no_age(broker: RedisStreams, client: Any) -> None:
    client.xadd("orders.0", {"data": b"{}"}, id="5-1")
    client.xgroup_create("orders.0", "payment", "0")
    line = only(broker)
    assert (line.messages, line.oldest_s) == (1, None)
    assert line.reason == "its messages carry no time"


def test_beyond_the_cap_it_is_at_least(
    broker: RedisStreams, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_count, "PAGE", 10)
    fill(client, "orders.0", 205)
    client.xgroup_create("orders.0", "slow", "0")
    client.xgroup_create("orders.0", "payment", "0")
    client.xreadgroup("slow", "p", {"orders.0": ">"}, count=3)
    take(client, 200)
    lines = {line.consumer: line for line in broker.lag()}
    assert (lines["payment"].messages, lines["payment"].method) == (5, Method.EXACT)
    slow = lines["slow"].messages or 0
    assert lines["slow"].method is Method.BOUNDED
    assert 90 <= slow < 202
    client.xgroup_create("orders.0", "new", "0")
    lines = {line.consumer: line for line in broker.lag()}
    assert (lines["new"].messages, lines["new"].method) == (205, Method.EXACT)  # nothing to count


def test_what_arrived_since_an_earlier_look(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 5)
    before = {state.name: state for state in broker.survey({}).streams}
    assert before["orders.0"].arrived is None
    fill(client, "orders.0", 9)
    client.xtrim("orders.0", maxlen=10, approximate=False)
    after = broker.survey(before).streams[0]
    assert after.arrived == 9
    assert broker.survey({"orders.0": after}).streams[0].arrived == 0


def test_what_came_and_was_trimmed_in_between_is_not_guessed(
    broker: RedisStreams, client: Any
) -> None:
    fill(client, "orders.0", 5)
    before = {state.name: state for state in broker.survey({}).streams}
    fill(client, "orders.0", 9)
    client.xtrim("orders.0", maxlen=3, approximate=False)
    after = broker.survey(before).streams[0]
    assert after.arrived == (9 if after.added is not None else None)  # 7 counts them


def test_a_stream_made_anew_does_not_count_backwards(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 5)
    before = {state.name: state for state in broker.survey({}).streams}
    client.delete("orders.0")
    client.xadd("orders.0", {"data": b""}, id="1-1")
    assert broker.survey(before).streams[0].arrived is None


def test_dead_letter_queues_are_depths_not_consumers(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.payment.dlq", 3)
    client.xgroup_create("orders.payment.dlq", "console-tap", "0")
    (depth,) = broker.depths()
    assert (depth.stream, depth.consumer, depth.messages) == ("orders.payment.dlq", "payment", 3)
    assert depth.oldest_at is not None
    assert broker.lag() == []


def test_where_one_message_stands(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 3)
    client.xgroup_create("orders.0", "payment", "0")
    took = take(client, 2, ack=False)
    client.xack("orders.0", "payment", took[0])
    ahead = fill(client, "orders.0", 1)[0]
    assert broker.delivered("orders.0", took[0], "payment") is Delivered.ACKNOWLEDGED
    assert broker.delivered("orders.0", took[1], "payment") is Delivered.PENDING
    assert broker.delivered("orders.0", ahead, "payment") is Delivered.AHEAD
    assert broker.delivered("orders.0", ahead, "nobody") is Delivered.UNKNOWN
    assert broker.delivered("nothing", ahead, "payment") is Delivered.UNKNOWN


def test_looking_changes_nothing(broker: RedisStreams, client: Any) -> None:
    fill(client, "orders.0", 3)
    client.xgroup_create("orders.0", "payment", "0")
    take(client, 1, ack=False)
    before = (client.dbsize(), client.dump("orders.0"))
    broker.survey({})
    broker.consumers("orders")
    assert (client.dbsize(), client.dump("orders.0")) == before


def test_a_fuzz_of_reads_trims_and_deletions_never_miscounts(
    broker: RedisStreams, client: Any
) -> None:
    dice = random.Random(4711)
    fill(client, "orders.0", 1)
    client.xgroup_create("orders.0", "payment", "0")
    state: dict[str, StreamState] = {}
    for _ in range(150):
        match dice.randrange(4):
            case 0:
                fill(client, "orders.0", dice.randrange(1, 9))
            case 1:
                take(client, dice.randrange(1, 6))
            case 2:
                client.xtrim("orders.0", maxlen=dice.randrange(0, 30), approximate=False)
            case _:
                present = client.xrange("orders.0")
                if present:
                    client.xdel("orders.0", dice.choice(present)[0])
        survey = broker.survey(state)
        state = {line.name: line for line in survey.streams}
        (line,) = survey.lag
        expected = len(client.xrange("orders.0", min=f"({line.cursor}"))
        assert (line.messages, line.method) == (expected, Method.EXACT)


def test_discovery_finds_new_streams_and_tells_what_they_are(redis_url: str, client: Any) -> None:
    config = BrokerConfig(name="shop", url=redis_url, exclude=("tmp.*",))
    broker = RedisStreams(config)
    for name in ("orders.0", "orders.payment.dlq", "cascade.receipts", "audit", "tmp.1"):
        fill(client, name, 1)
    client.set("orders.9", "not a stream")
    roles = {(stream.name, stream.topic, stream.role) for stream in broker.streams()}
    assert roles == {
        ("orders.0", "orders", Role.TOPIC),
        ("audit", "audit", Role.TOPIC),
        ("orders.payment.dlq", "orders", Role.DEAD_LETTERS),
        ("cascade.receipts", "cascade.receipts", Role.RECEIPTS),
    }
    fill(client, "orders.1", 1)
    assert "orders.1" in {state.name for state in broker.survey({}).streams}


def test_the_console_s_own_task_transport_is_hidden(redis_url: str, client: Any) -> None:
    fill(client, "orders.0", 1)
    assert RedisStreams(BrokerConfig(name="own", url=redis_url, hidden=True)).streams() == []


def test_a_thousand_groups_take_a_bounded_number_of_round_trips(
    broker: RedisStreams, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(100):
        fill(client, f"orders.{number}", 1)
        for name in range(10):
            client.xgroup_create(f"orders.{number}", f"consumer-{name}", "0")
    trips: list[int] = []
    ask_all = broker.wire.ask_all

    def counted(commands: Sequence[Sequence[str | bytes | int]], *, atomic: bool = False) -> object:
        trips.append(len(commands))
        return ask_all(commands, atomic=atomic)

    monkeypatch.setattr(broker.wire, "ask_all", counted)
    assert len(broker.lag()) == 1_000
    assert len(trips) <= 12


def test_the_latest_entries_newest_first_and_nothing_changes(
    broker: RedisStreams, client: Any
) -> None:
    added = fill(client, "orders.0", 5)
    assert [entry.position for entry in broker.latest("orders.0", 3)] == added[:1:-1]
    assert broker.latest("orders.0", 3)[0].body == b"{}"
    assert broker.latest("nothing", 3) == []
    client.set("text", "x")
    with pytest.raises(BrokerError, match="WRONGTYPE"):
        broker.latest("text", 3)
    assert client.xinfo_stream("orders.0")["groups"] == 0
