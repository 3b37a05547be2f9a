"""POST /api/events: what is taken is committed; garbage is a problem document, and no more."""

import gzip
import json
import threading
from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.test import Client

from cascade_client.fields import RECEIPT_TYPE
from kit.limits import ATTRIBUTE_BYTES, KIB, Intake
from kit.models import ApiToken, User
from tests.tracing.arriving import appearances
from tests.tracing.posting import MANY, ONE, Post, event, problem
from tracing import store
from tracing.envelope import from_structured
from tracing.models import Event, Receipt
from tracing.receivers import group_commit
from tracing.receivers.group_commit import Committer
from tracing.receivers.http import seen

BATCH_BYTES, BATCH_EVENTS = Intake().body_bytes, Intake().batch_events
EVENT_BYTES = Intake().event_bytes
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_thread_is_left")]


def test_structured(post: Post) -> None:
    answer = post(event())
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "duplicates": 0})
    assert post(event()).json() == {"accepted": 0, "duplicates": 1}
    assert bytes(Event.objects.get().data or b"") == b'{"order_id": 4711}'
    assert len(appearances()) == 1  # sent again is not seen elsewhere
    assert post(event(data="another body")).json() == {"accepted": 0, "duplicates": 1}
    assert len(appearances()) == 2


def test_batch(post: Post) -> None:
    answer = post([event("1"), event("2"), event("1")], MANY)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2, "duplicates": 1})
    assert post([], MANY).json() == {"accepted": 0, "duplicates": 0}


def test_binary(post: Post) -> None:
    names = {f"ce-{name}": str(value) for name, value in event().items() if name != "data"}
    answer = post(b"<order/>", "text/xml", **names)
    assert answer.json() == {"accepted": 1, "duplicates": 0}
    row = Event.objects.get()
    assert (row.content_type, bytes(row.data or b""), row.headers) == ("text/xml", b"<order/>", {})


def test_attributes_repeated_as_headers_do_not_count(post: Post) -> None:
    post(event(), **{"ce-id": "other"})
    assert Event.objects.get().event_id == "1"


def test_content_type_in_any_case(post: Post) -> None:
    assert post(event(), "Application/CloudEvents+JSON; charset=UTF-8").status_code == 202


def test_gzip(post: Post) -> None:
    body = gzip.compress(json.dumps([event("1"), event("2")]).encode())
    assert post(body, MANY, **{"content-encoding": "gzip"}).json()["accepted"] == 2


def test_receipts(post: Post) -> None:
    data = {"event_source": "/shop", "event_id": "1", "consumer": "payment"}
    good = {**data, "outcome": "succeeded", "started_at": "2026-08-18T14:00:00Z"}
    members = [event(), event("r", type=RECEIPT_TYPE, data=good)]
    assert post(members, MANY).json()["accepted"] == 2
    assert Receipt.objects.get().flow_id == Event.objects.get().flow_id
    bad = event("s", type=RECEIPT_TYPE, data={**good, "outcome": "exploded"})
    (error,) = post([event("2"), bad], MANY).json()["errors"]
    assert (error["index"], error["path"]) == (1, "data.outcome")
    assert Event.objects.count() == 1


def test_a_batch_with_bad_members_is_refused_whole(post: Post) -> None:
    members = [event("1"), event("2", time="noon"), event("3", id=7), event("4")]
    document = problem(post(members, MANY), 400)
    assert [(one["index"], one["path"]) for one in document["errors"]] == [(1, "time"), (2, "id")]
    assert all(one["reason"] for one in document["errors"])


def nested(depth: int) -> bytes:
    """An event whose data nests this deep."""
    return json.dumps(event())[:-1].encode() + b', "d": ' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"<html>", ONE, 400),
        (b" ", ONE, 400),
        (b"\xff\xfe", ONE, 400),
        (b"[]", ONE, 400),
        (b"{}", MANY, 400),
        (b"1", MANY, 400),
        (event(id=5), ONE, 400),
        (event(more=1.5), ONE, 400),
        (nested(100), ONE, 422),
        (nested(100_000), ONE, 422),
        (b"[" * 1_000_000, MANY, 422),
        (event(more="x" * (ATTRIBUTE_BYTES + 1)), ONE, 422),
        ([event("1", correlationid="x" * 256), event("2")], MANY, 422),
        ([event("1", correlationid="x" * 256), event("2", id=2)], MANY, 400),
        (event() | {f"x{number}": "" for number in range(65)}, ONE, 422),
        (event(data="x" * 2 * 1024 * KIB), ONE, 413),
        (b" " * (BATCH_BYTES + 1), MANY, 413),
        ([event("1", data="x" * EVENT_BYTES)], MANY, 413),
        ([event(str(number), data=0) for number in range(BATCH_EVENTS + 1)], MANY, 413),
        (event(), "application/json", 415),
        (event(), "text/plain", 415),
        (event(), "application/cloudevents+avro", 415),
        (event(), "application/cloudevents", 415),
        (event(), "application/cloudeventsx+json", 415),
        (event(), f"{ONE}; charset=utf-16", 415),
    ],
)
def test_garbage_is_a_problem_and_the_next_goes_in(
    post: Post, body: Any, kind: str, status: int
) -> None:
    problem(post(body, kind), status)
    assert post(event()).json() == {"accepted": 1, "duplicates": 0}


def test_broken_gzip(post: Post) -> None:
    problem(post(b"not gzip", **{"content-encoding": "gzip"}), 400)
    bomb = gzip.compress(b" " * (BATCH_BYTES * 4))
    problem(post(bomb, MANY, **{"content-encoding": "gzip"}), 413)
    problem(post(b"x", **{"content-encoding": "br"}), 415)


def test_who_may(post: Post, token: str) -> None:
    problem(post(event(), authorization=""), 401)
    problem(post(event(), authorization="Bearer wrong"), 401)
    reader = ApiToken.issue(User.objects.get(), "reader", ["read"])[1]
    problem(post(event(), authorization=f"Bearer {reader}"), 403)
    client = Client()
    admin = User.objects.create_user("admin", role="admin")
    client.force_login(admin)  # a session is no way in: no page of anyone's posts events
    problem(client.post("/api/events", json.dumps(event()), content_type=ONE), 401)


def test_away_is_come_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(store, "take", away)
        for body, kind in ((event(), ONE), ([event()], MANY)):
            answer = post(body, kind)
            problem(answer, 503)
            assert int(answer["Retry-After"]) > 0
    assert post(event()).status_code == 202


def one(event_id: str, **more: Any) -> store.Seen:
    """An event as the receiver hands it on."""
    return seen(from_structured(json.dumps(event(event_id, **more)).encode()))


def together(committer: Committer, posts: list[store.Seen]) -> list[Any]:
    """What becomes of posts that wait together: they are let go when all are there."""
    answers: list[Any] = [None] * len(posts)

    def send(index: int) -> None:
        try:
            answers[index] = committer.commit(posts[index])
        except Exception as error:
            answers[index] = error

    threads = [threading.Thread(target=send, args=[index]) for index in range(len(posts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_singles_are_committed_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real, first = store.take, threading.Event()

    def counting(found: Any, **options: Any) -> Any:
        sizes.append(len(found))
        if len(sizes) == 1:  # while the first is committed, the others gather
            first.wait(10)
        return real(found, **options)

    monkeypatch.setattr(store, "take", counting)
    committer = Committer()
    threading.Timer(0.5, first.set).start()
    answers = together(committer, [one(str(number % 10)) for number in range(20)])
    assert sum(answer.accepted for answer in answers) == 10
    assert sum(answer.duplicates for answer in answers) == 10
    assert Event.objects.count() == 10
    assert len(sizes) < 20


def test_one_bad_row_harms_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    real = store.take

    def picky(found: Any, **options: Any) -> Any:
        taken = real(found, **options)
        if any(post.message.id == "bad" for post in found):
            raise DataError("a row the database refuses")
        return taken

    monkeypatch.setattr(store, "take", picky)
    posts = [one(name) for name in ("a", "bad", "b", "c")]
    answers = together(Committer(), posts)
    assert [getattr(answer, "accepted", answer.__class__.__name__) for answer in answers] == [
        1,
        "Problem",
        1,
        1,
    ]
    assert set(Event.objects.values_list("event_id", flat=True)) == {"a", "b", "c"}


def test_too_many_waiting_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "WAITING_BYTES", 40 * KIB)
    monkeypatch.setattr(group_commit, "GROUP", 1)
    gate, real = threading.Event(), store.take

    def slow(found: Any, **options: Any) -> Any:
        gate.wait(10)
        return real(found, **options)

    monkeypatch.setattr(store, "take", slow)
    threading.Timer(1.0, gate.set).start()
    answers = together(Committer(), [one(str(n), data="x" * 10 * KIB) for n in range(8)])
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    assert 0 < len(refused) < 8
    assert all(answer.status == 503 and answer.headers["Retry-After"] for answer in refused)  # type: ignore[attr-defined]
    assert Event.objects.count() == 8 - len(refused)


def test_a_connection_that_cannot_be_closed_ends_no_group_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: object) -> None:
        raise OperationalError("the connection is closed")

    committer = Committer()
    with monkeypatch.context() as patched:
        patched.setattr(group_commit, "_commit", broken)
        (refused,) = together(committer, [one("1")])
        assert refused.status == 503
    (taken,) = together(committer, [one("1")])
    assert taken.accepted == 1
