"""Plans: what is frozen stays, every member is in one class, the page's filter chooses."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from dlq import classes, control, editing, plan
from dlq.filters import LetterFilter
from dlq.models import Item, Letter, Replay
from dlq.refusals import Refused
from dlq.words import Choice, Fate, ItemState
from kit import clock, limits
from kit.models import AuditEntry
from tests.dlq.scene import Scene, pump, run, states

pytestmark = pytest.mark.django_db


def freeze(chosen: LetterFilter | list[int], **options: Any) -> Replay:
    made = plan.freeze(chosen, actor="ann", user=None, reason="the fix is out", **options)
    classes.classify_all(made.pk)
    made.refresh_from_db()
    return made


def counts(replay: Replay) -> dict[str, int]:
    replay.refresh_from_db()
    return {one.name.value: one.letters for one in classes.classes(replay) if one.letters}


def test_the_filter_of_the_list_chooses_the_members(shop: Scene) -> None:
    shop.die(1, 2, 3)
    letters = shop.letters()
    Letter.objects.filter(pk=letters[2].pk).update(died_at=clock.now() - timedelta(days=1))
    chosen = LetterFilter(consumer="payment", since=clock.now() - timedelta(hours=1))
    listed = set(chosen.apply(Letter.objects.all()).values_list("pk", flat=True))
    replay = freeze(chosen)
    assert set(replay.items.values_list("letter_id", flat=True)) == listed
    assert len(listed) == 2
    assert replay.filter["consumer"] == "payment"
    assert (replay.title, replay.consumer) == ("2 letters to payment", "payment")


def test_what_dies_after_the_freeze_is_no_member(shop: Scene) -> None:
    shop.die(1)
    shop.letters()
    replay = freeze(LetterFilter())
    shop.die(2)
    shop.letters()
    assert replay.items.count() == 1
    control.start(replay, actor="ann", user=None)
    pump()
    assert len(shop.sent()) == 1


def test_members_are_frozen_with_version_and_revision(shop: Scene) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    made = editing.revise(first, '{"currency": "EUR"}', None, "no currency", "ann")
    one, two = freeze(LetterFilter()).items.order_by("letter__event_id")
    assert (one.revision, two.revision) == (made, None)
    assert (one.letter_version, two.letter_version) == (first.version + 1, second.version)


def test_the_hash_names_exactly_these_members_in_these_versions(shop: Scene) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    same = {freeze([first.pk, second.pk]).members_hash, freeze(LetterFilter()).members_hash}
    assert len(same) == 1
    assert freeze([first.pk]).members_hash not in same
    Letter.objects.filter(pk=first.pk).update(version=2)
    assert freeze(LetterFilter()).members_hash not in same


def test_an_edit_after_the_freeze_drops_the_letter_out_and_is_shown(shop: Scene) -> None:
    shop.die(1, 2)
    first, _ = shop.letters()
    replay = freeze(LetterFilter())
    editing.revise(first, '{"currency": "EUR"}', None, "no currency", "ann")
    assert counts(replay) == {"ready": 1, "changed": 1}
    control.start(replay, actor="ann", user=None)
    pump()
    assert states(replay) == ["changed", "sent"]
    assert len(shop.sent()) == 1


def test_the_edit_is_what_is_sent(shop: Scene) -> None:
    shop.die(1)
    shop.reclaims()
    (letter,) = shop.letters()
    editing.revise(letter, '{"order_id": 1, "currency": "EUR"}', None, "no currency", "ann")
    run(letter)
    pump()
    (copy,) = shop.sent()
    assert copy[b"data"] == b'{"order_id": 1, "currency": "EUR"}'
    assert copy[b"ce-id"] == b"e-1"
    assert copy[b"ce-partitionkey"] == b"order-1"


def test_superseded_members_are_skipped_unless_chosen(shop: Scene) -> None:
    shop.die(1, 2)
    shop.publish(9, key="order-1", kind="OrderCancelled")
    shop.handle()
    shop.letters()
    replay = freeze(LetterFilter())
    assert counts(replay) == {"ready": 1, "superseded": 1}
    assert states(replay) == ["stays", "waiting"]
    assert "OrderCancelled" in replay.items.get(fate="superseded").why
    assert classes.choose(replay.pk, {"superseded": "send"}) == 1
    assert states(replay) == ["waiting", "waiting"]
    assert classes.choose(replay.pk, {"superseded": "skip"}) == 1
    control.start(replay, actor="ann", user=None, choices={"superseded": "send"})
    pump()
    assert states(replay) == ["sent", "sent"]


def test_a_choice_that_a_crash_cut_off_is_finished_by_the_start(shop: Scene) -> None:
    shop.die(1, 2)
    shop.publish(9, key="order-1", kind="OrderCancelled")
    shop.handle()
    shop.letters()
    replay = freeze(LetterFilter())
    control.choose(replay, Fate.SUPERSEDED, Choice.SEND, actor="ann", user=None)
    Replay.objects.update(choices={})  # all that was written of the next choice
    replay.refresh_from_db()
    control.start(replay, actor="ann", user=None)
    assert states(replay) == ["stays", "waiting"]
    with pytest.raises(Refused, match="started"):
        control.choose(replay, Fate.SUPERSEDED, Choice.SEND, actor="ann", user=None)
    assert classes.choose(replay.pk, {"superseded": "send"}) == 0


def test_chosen_at_the_freeze_superseded_members_are_named_and_sent(shop: Scene) -> None:
    shop.die(1)
    shop.publish(9, key="order-1")
    shop.handle()
    shop.letters()
    replay = freeze(LetterFilter(), choices={"superseded": "send"})
    assert counts(replay) == {"superseded": 1}
    assert states(replay) == ["waiting"]


def test_nothing_is_sent_before_every_member_has_its_class(shop: Scene) -> None:
    shop.die(1, 2, 3)
    shop.letters()
    replay = plan.freeze(LetterFilter(), actor="ann", user=None, reason="x")
    control.start(replay, actor="ann", user=None)
    assert not classes.classify(replay.pk, 2)
    assert not plan.is_classified(Replay.objects.get())
    assert shop.sent() == []
    pump()
    assert plan.is_classified(Replay.objects.get())
    assert len(shop.sent()) == 3


def test_letters_that_are_not_dead_are_left_out_and_counted(shop: Scene) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    Letter.objects.filter(pk=first.pk).update(state="mended")
    replay = freeze([first.pk, second.pk])
    assert replay.plan["left_out"] == {"mended": 1}
    assert replay.plan["letters"] == 1


def test_refusals(shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="No letter"):
        freeze(LetterFilter())
    shop.die(1, 2)
    shop.letters()
    monkeypatch.setattr(limits, "REPLAY_MEMBERS", 1)
    with pytest.raises(Refused, match="At most 1 letters"):
        freeze(LetterFilter())
    monkeypatch.undo()
    replay = plan.freeze(LetterFilter(), actor="ann", user=None)
    with pytest.raises(Refused, match="Say why"):
        control.start(replay, actor="ann", user=None)
    control.start(replay, actor="ann", user=None, reason="now")
    with pytest.raises(Refused, match="running"):
        control.start(replay, actor="ann", user=None, reason="again")


def test_a_freeze_costs_the_same_queries_for_any_number(
    shop: Scene, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    shop.die(*range(1, 31))
    shop.letters()
    with django_assert_max_num_queries(16):
        plan.freeze(LetterFilter(), actor="ann", user=None, reason="x")
    assert Item.objects.filter(state=ItemState.WAITING).count() == 30


def test_original_order_is_by_number_not_by_text(shop: Scene) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    Letter.objects.filter(pk=first.pk).update(position="5-10", lane="k")
    Letter.objects.filter(pk=second.pk).update(position="5-9", lane="k")
    replay = freeze(LetterFilter())
    members = replay.items.order_by("original_order").values_list("letter_id", flat=True)
    assert list(members) == [second.pk, first.pk]


def test_a_letter_without_a_key_is_a_lane_of_its_own(shop: Scene) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    Letter.objects.filter(pk=letter.pk).update(lane="")
    assert freeze(LetterFilter()).items.get().lane == f"letter:{letter.pk}"


def test_the_account_adds_up_and_everything_is_in_the_audit(shop: Scene) -> None:
    shop.die(1, 2, key="order-7")
    shop.letters()
    replay = freeze(LetterFilter())
    control.start(replay, actor="ann", user=None)
    pump()
    account = classes.account(replay)
    assert sum(account.values()) == 2
    assert (account[ItemState.SENT], account[ItemState.WAITING]) == (1, 1)
    entry = AuditEntry.objects.filter(action="replay.start").get()
    assert (entry.actor, entry.reason) == ("ann", "the fix is out")
    assert entry.changes["members_hash"] == replay.members_hash
