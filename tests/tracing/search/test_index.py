"""The index of words: behind the tap, from its mark on, in bounded batches; and what it answers."""

import io
import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from brokers import config
from kit import clock
from tests.tracing.making import event
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.models import Event, EventWords, WordsMark
from tracing.search import index, matches
from tracing.search.matches import newest
from tracing.search.words import parse

pytestmark = pytest.mark.django_db(transaction=True)


def put(name: str, body: Any, flow_id: str = "", content_type: str = "application/json") -> int:
    """One event; its number."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    row = event(name, "OrderPlaced", 0, flow_id=flow_id or f"flow-{name}")
    seed([row], [], body=data, content_type=content_type, size=len(data))
    return Event.objects.get(event_id=name).pk


def flows(asked: str) -> list[str]:
    return sorted(newest(parse(asked)).events)


@pytest.fixture
def without_payloads() -> Iterator[None]:
    config.use(lambda: config.Config(search=config.Search(payloads=False)))
    yield
    config.use(config.Config)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("currency", ["flow-a", "flow-b"]),
        ("CURRENCY unknown", ["flow-a"]),
        ('"unknown currency"', ["flow-a"]),
        ('"currency unknown"', []),
        ("currency -unknown", ["flow-b"]),
        ("curr*", ["flow-a", "flow-b", "flow-c"]),
        ("4711", ["flow-b"]),
        ("never", []),
        ("-currency", []),
        ('"', []),
    ],
)
def test_words_phrases_beginnings_and_what_is_not_there(asked: str, found: list[str]) -> None:
    put("a", {"error": "Unknown currency: XYZ"})
    put("b", {"order": 4711, "lines": [{"note": "pays in another currency"}]})
    put("c", b"currently none", content_type="text/plain")
    assert index.index_batch() == 3
    assert flows(asked) == found


def test_what_is_masked_is_not_found() -> None:
    put("a", {"password": "hunter2", "user": "anna"})
    index.index_batch()
    assert flows("anna") == ["flow-a"]
    assert flows("hunter2") == flows("password") == []


def test_it_goes_on_from_its_mark_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 2)
    numbers = [put(f"e{n}", {"n": "word"}) for n in range(5)]
    assert index.standing().behind >= 5
    assert [index.index_batch() for _ in range(4)] == [2, 2, 1, 0]
    assert (index.standing().behind, WordsMark.objects.get().event_id) == (0, numbers[-1])
    assert index.standing().until is not None
    assert len(flows("word")) == 5


def test_a_batch_is_bounded_by_the_bytes_of_its_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_BYTES", 100)
    for name in ("a", "b", "c"):
        put(name, {"word": "x" * 80})
    assert [index.index_batch() for _ in range(3)] == [2, 1, 0]


def test_an_interrupted_batch_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    put("a", {"n": "word"})
    with monkeypatch.context() as broken:
        broken.setattr(EventWords.objects, "bulk_create", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            index.index_batch()
    assert index.index_batch() == 1
    assert flows("word") == ["flow-a"]


def test_of_two_that_index_the_same_one_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    number = put("a", {"n": "word"})
    rows = index._rows

    def overtaken(taken: Sequence[int]) -> Iterator[EventWords]:
        WordsMark.objects.create(pk=index.MARK, event_id=number)
        return rows(taken)

    monkeypatch.setattr(index, "_rows", overtaken)
    assert index.index_batch() == 0
    assert not EventWords.objects.exists()


def test_words_are_indexed_however_much_there_is_to_summarise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put("a", {"n": "word"})
    stop = threading.Event()

    def busy() -> int:
        stop.set()
        return 1

    monkeypatch.setattr(summariser, "summarise_batch", busy)
    summariser.run(stop)
    assert flows("word") == ["flow-a"]


def test_the_command_indexes_what_there_is() -> None:
    put("a", {"n": "word"})
    call_command("summarise", "--once", stdout=io.StringIO())
    assert flows("word") == ["flow-a"]


def test_what_is_forgotten_is_not_found_and_leaves_nothing_behind() -> None:
    gone, stays = put("a", {"n": "word"}), put("b", {"n": "word"})
    index.index_batch()
    index.forget([gone])
    assert flows("word") == ["flow-b"]
    assert list(EventWords.objects.values_list("pk", flat=True)) == [stays]
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            sql = "INSERT INTO tracing_eventwords_fts(tracing_eventwords_fts) VALUES (%s)"
            cursor.execute(sql, ["integrity-check"])


def test_an_event_committed_late_is_found_all_the_same() -> None:
    late, last = put("late", {"n": "word"}), put("last", {"n": "word"})
    WordsMark.objects.create(pk=index.MARK, event_id=last, received_at=clock.now())
    EventWords.objects.create(event_id=last, words="")
    expected = 0 if connection.vendor == "sqlite" else 1
    assert index.index_late() == expected
    assert EventWords.objects.filter(pk=late).count() == expected
    assert index.index_late() == 0


@pytest.mark.usefixtures("without_payloads")
def test_turned_off_it_indexes_nothing() -> None:
    put("a", {"n": "word"})
    assert index.index_batch() == index.index_late() == 0
    assert not index.standing().on


def test_of_too_many_matches_the_newest_are_looked_at() -> None:
    numbers = [put(f"e{n}", {"n": "often", "m": "once" if n == 0 else ""}) for n in range(6)]
    index.index_batch()
    found = newest(parse("often"), 3)
    assert (sorted(found.events), found.more) == (["flow-e3", "flow-e4", "flow-e5"], True)
    assert found.read == 3
    assert newest(parse("once"), 3).more is False
    assert flows("once") == ["flow-e0"]
    earlier = newest(parse("often"), 3, numbers[2])
    assert (sorted(earlier.events), earlier.more) == (["flow-e0", "flow-e1", "flow-e2"], False)


@pytest.mark.parametrize("most", [1, 4])
def test_the_newest_are_found_whatever_block_they_lie_in(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(matches, "BLOCK", 2)
    monkeypatch.setattr(matches, "BLOCKS_MOST", most)
    numbers = [put(f"e{n}", {"n": "burst" if 4 <= n < 12 else "quiet"}) for n in range(20)]
    index.index_batch()
    found = newest(parse("burst"), 4)
    assert sorted(found.events.values()) == numbers[8:12]
    assert found.more
    assert sorted(newest(parse("burst"), 4, numbers[9]).events.values()) == numbers[6:10]
    assert not newest(parse("burst"), 4, numbers[6]).more


def test_a_flow_is_shown_with_its_newest_match() -> None:
    put("a", {"n": "word"}, flow_id="one")
    last = put("b", {"n": "word"}, flow_id="one")
    index.index_batch()
    assert newest(parse("word")).events == {"one": last}
