"""What people say of a group, and what further deaths answer."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from brokers.contract import Entry
from dlq import lifecycle, queries
from dlq.filters import GroupFilter
from dlq.lifecycle import Who
from dlq.models import Group
from dlq.refusals import Refused
from dlq.stages import stage_now
from dlq.words import Stage
from kit import clock
from kit.models import AuditEntry, User
from tests.dlq.browser import client, html, taken
from tests.dlq.letters import dead

pytestmark = pytest.mark.django_db
ANN = Who("ann", None, "the fix is out")


def a_group(*entries: Entry) -> Group:
    taken(*(entries or (dead(1),)))
    return Group.objects.get()


def dying(number: int, release: str = "1.8.0") -> Entry:
    """A letter that dies after whatever was said."""
    entry = dead(number, seconds=(clock.now() - dead(0).time).total_seconds() + 60)  # type: ignore[operator]
    entry.headers["dead-letter-release"] = release  # type: ignore[index]
    return entry


def stage(group: Group) -> str:
    group.refresh_from_db()
    return group.stage


def test_acknowledged_then_assigned_then_nobodys() -> None:
    group = a_group()
    bob = User.objects.create_user("bob", role="operator")
    lifecycle.acknowledge(group, ANN)
    assert (group.stage, group.stage_by) == ("acknowledged", "ann")
    lifecycle.assign(group, bob, ANN)
    assert group.assignee == bob
    lifecycle.assign(group, None, ANN)
    assert stage(group) == "acknowledged"
    assert Group.objects.get().assignee is None
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["group.acknowledged", "group.assign", "group.assign"]


def test_an_assigned_group_is_acknowledged_by_it() -> None:
    group = a_group()
    bob = User.objects.create_user("bob", role="operator")
    lifecycle.assign(group, bob, ANN)
    assert (stage(group), group.assignee) == ("acknowledged", bob)
    User.objects.update(is_active=False)
    with pytest.raises(Refused, match="Nobody"):
        lifecycle.assign(group, User.objects.get(), ANN)


def test_a_mute_ends_by_its_time_without_anybody() -> None:
    group = a_group()
    lifecycle.mute(group, clock.now() + timedelta(hours=1), None, ANN)
    assert not queries.groups(GroupFilter()).exists()
    assert queries.groups(GroupFilter(state="muted")).get() == group
    assert queries.open_counts() == (0, 0)
    Group.objects.update(muted_until=clock.now() - timedelta(seconds=1))
    group.refresh_from_db()
    assert stage_now(group, clock.now()) is Stage.OPEN
    assert queries.groups(GroupFilter()).get() == group
    assert not queries.groups(GroupFilter(state="muted")).exists()


def test_a_mute_ends_by_its_volume() -> None:
    group = a_group()
    lifecycle.mute(group, None, 2, ANN)
    taken(dying(2))
    assert stage(group) == "muted"
    taken(dying(3))
    assert stage(group) == "open"
    assert AuditEntry.objects.filter(action="group.open", actor="console").count() == 1


@pytest.mark.parametrize(
    ("until", "volume"), [(None, None), (timedelta(hours=-1), None), (None, 0)]
)
def test_a_mute_needs_an_end_to_come(until: timedelta | None, volume: int | None) -> None:
    group = a_group()
    with pytest.raises(Refused):
        lifecycle.mute(group, clock.now() + until if until else None, volume, ANN)


def test_resolved_now_any_later_death_is_a_regression() -> None:
    group = a_group()
    lifecycle.resolve(group, "", ANN)
    taken(dead(2, seconds=5))  # it died before: a straggler
    assert stage(group) == "resolved"
    taken(dying(3))
    assert stage(group) == "regressed"
    lifecycle.acknowledge(group, ANN)
    assert stage(group) == "acknowledged"


def test_resolved_by_a_release_the_old_ones_are_no_regression() -> None:
    group = a_group()
    lifecycle.resolve(group, "1.8.1", ANN)
    assert group.old_releases == ["1.8.0"]
    taken(dying(2, release="1.8.0"))
    assert stage(group) == "resolved"
    taken(dying(3, release="1.8.1"))
    assert stage(group) == "regressed"
    assert group.resolved_release == ""


def test_what_is_not_allowed_is_refused() -> None:
    group = a_group()
    with pytest.raises(Refused, match="Say what mended it"):
        lifecycle.resolve(group, "", Who("ann", None))
    lifecycle.resolve(group, "", ANN)
    with pytest.raises(Refused, match="resolved"):
        lifecycle.acknowledge(group, ANN)
    with pytest.raises(Refused, match="resolved"):
        lifecycle.mute(group, None, 5, ANN)
    with pytest.raises(Refused, match="resolved"):
        lifecycle.resolve(group, "", ANN)
    lifecycle.reopen(group, ANN)
    with pytest.raises(Refused):
        lifecycle.reopen(group, ANN)


def test_on_the_page() -> None:
    group = a_group()
    me = client()
    url = reverse("dlq:group", args=[group.pk])

    def say(verb: str, **fields: str) -> Any:
        target = reverse("dlq:group_say", args=[group.pk, verb])
        return html(me.post(target, fields, follow=True))

    assert "Acknowledge" in html(me.get(url))
    assert "Open again" in say("acknowledge")
    assert 'assigned to <b class="strong">operator</b>' in say("assign", to="operator")
    assert "There is nobody called zoe" in say("assign", to="zoe")
    assert "muted until" in say("mute", mute="8h", reason="known")
    assert "Until when?" in say("mute", mute="soon")
    assert "Open again" in html(me.get(url))
    say("reopen")
    assert "muted until 11 letters died" in say("mute", mute="10")
    assert "resolved by 1.8.1" in say("resolve", release="1.8.1", reason="currency is there")
    assert me.post(reverse("dlq:group_say", args=[group.pk, "burn"])).status_code == 404
    viewer = client("viewer")
    assert "Acknowledge" not in html(viewer.get(url))
    refused = viewer.post(reverse("dlq:group_say", args=[group.pk, "acknowledge"]))
    assert refused.status_code == 403
    listed = html(me.get(reverse("dlq:groups") + "?stage=resolved&state=all"))
    assert "Resolved" in listed
