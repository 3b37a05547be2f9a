"""Discards: off the queue, closed, audited; and nothing closed that changed meanwhile."""

from collections.abc import Sequence

import pytest
from django.db.models import F

from dlq import discard
from dlq.discard import Discarded
from dlq.filters import LetterFilter
from dlq.models import Death, Group, Letter
from dlq.refusals import Refused
from kit.models import AuditEntry
from tests.dlq.scene import Scene, observing, run
from tests.support.redis_server import RedisServer
from tracing.models import Receipt

pytestmark = pytest.mark.django_db


def drop(chosen: LetterFilter | list[int], reason: str = "test orders") -> Discarded:
    return discard.discard(chosen, reason, actor="ann", user=None)


def test_letters_are_taken_off_their_queue_and_closed(shop: Scene) -> None:
    shop.die(1, 2)
    shop.letters()
    done = drop(LetterFilter(consumer="payment"))
    assert (len(done.letters), done.copies, done.changed) == (2, 2, [])
    assert shop.queued() == 0
    assert [letter.state for letter in shop.letters()] == ["discarded", "discarded"]
    assert Death.objects.filter(removed_at=None).count() == 0
    assert Group.objects.get().open_letters == 0
    assert Receipt.objects.filter(outcome="discarded", origin="letter").count() == 2


def test_one_entry_in_the_audit_with_the_reason(shop: Scene) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    drop([first.pk])
    entry = AuditEntry.objects.get()
    assert (entry.target_kind, entry.target_id) == ("letter", str(first.pk))
    assert (entry.actor, entry.reason) == ("ann", "test orders")
    shop.die(3)
    shop.letters()
    drop(LetterFilter())
    entry = AuditEntry.objects.first()  # type: ignore[assignment]
    assert (entry.target_kind, entry.changes["count"]) == ("letters", 2)
    assert second.pk in entry.changes["letters"]


def test_all_copies_of_a_letter_go(shop: Scene) -> None:
    shop.die(1)
    (entry,) = shop.redis.xrange("orders.payment.dlq")
    shop.redis.xadd("orders.payment.dlq", entry[1])
    assert len(shop.letters()) == 1
    assert drop(LetterFilter()).copies == 2
    assert shop.queued() == 0


def test_a_letter_that_changes_meanwhile_stays(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    members = discard._members(LetterFilter())
    Letter.objects.filter(pk=first.pk).update(version=9)
    monkeypatch.setattr(discard, "_members", lambda _: members)
    done = drop(LetterFilter())
    assert (done.letters, done.changed) == ([second.pk], [first.pk])
    assert Letter.objects.get(pk=first.pk).state == "dead"


def test_refusals(shop: Scene) -> None:
    with pytest.raises(Refused, match="No letter"):
        drop(LetterFilter())
    shop.die(1)
    (letter,) = shop.letters()
    with pytest.raises(Refused, match="Say why"):
        drop([letter.pk], reason=" ")
    assert shop.queued() == 1


def test_a_broker_that_may_not_be_written_to(redis_server: RedisServer, redis_url: str) -> None:
    with observing(redis_url):
        shop = Scene(redis_server)
        shop.die(1)
        shop.letters()
    with observing(redis_url, replay=False), pytest.raises(Refused, match="replay = true"):
        drop(LetterFilter())
    assert shop.queued() == 1


def test_a_discarded_letter_is_no_member_of_a_replay(shop: Scene) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    drop([letter.pk])
    with pytest.raises(Refused, match="No letter"):
        run(letter)


def test_a_copy_that_cannot_be_removed_leaves_the_letter_open(shop: Scene) -> None:
    shop.die(1)
    shop.letters()
    shop.server.kill()
    try:
        with pytest.raises(Refused, match="cannot be reached"):
            drop(LetterFilter())
    finally:
        shop.server.start()
    assert Letter.objects.get().state == "dead"
    assert AuditEntry.objects.count() == 0


def test_a_letter_that_a_replay_took_meanwhile_keeps_its_copy(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    monkeypatch.setattr(discard, "SLICE", 1)
    slices = discard._slice

    def meanwhile(members: Sequence[tuple[int, int, str]], answer: Discarded) -> None:
        Letter.objects.filter(pk=second.pk).update(state="replaying", version=F("version") + 1)
        slices(members, answer)

    monkeypatch.setattr(discard, "_slice", meanwhile)
    done = drop(LetterFilter())
    assert (done.letters, done.changed, done.copies) == ([first.pk], [second.pk], 1)
    assert shop.queued() == 1
