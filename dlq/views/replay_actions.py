"""What an operator does to a replay: start, pause, resume, cancel, choose, settle. POST only."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from dlq import control
from dlq.models import Item, Replay
from dlq.refusals import Refused
from dlq.settle import settle_maybe_sent
from dlq.views.progress import RATES
from dlq.words import Choice, Fate
from kit.permissions import Permission
from kit.security import actor, may, person, require

VERBS = ("start", "pause", "resume", "cancel")


@contextmanager
def _told(request: HttpRequest, unread: str = "") -> Iterator[None]:
    """A refusal is told on the next page; so is `unread`, where a form's value cannot be read."""
    try:
        yield
    except Refused as error:
        messages.error(request, f"{error.title}. {error.detail}".strip())
    except ValueError:
        if not unread:
            raise
        messages.error(request, unread)


@require_POST
@require(Permission.REPLAY)
def move(request: HttpRequest, replay_id: int, verb: str) -> HttpResponse:
    """Start, pause, resume or cancel."""
    if verb not in VERBS:
        raise Http404("no such action")
    replay = get_object_or_404(Replay, pk=replay_id)
    accept = request.POST.get("accept_others") == "yes"
    reason = request.POST.get("reason", "")
    who = {"actor": actor(request), "user": person(request), "reason": reason}
    with _told(request):
        if verb == "start":
            release = may(request, Permission.RELEASE)
            control.start(replay, accept_others=accept, may_release=release, **who)  # type: ignore[arg-type]
        elif verb == "pause":
            control.pause(replay, **who)  # type: ignore[arg-type]
        elif verb == "resume":
            again = request.POST.get("again") == "yes"
            control.resume(replay, accept_others=accept, again=again, **who)  # type: ignore[arg-type]
        else:
            control.cancel(replay, **who)  # type: ignore[arg-type]
    return redirect("dlq:replay", replay_id)


@require_POST
@require(Permission.REPLAY)
def choose(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Choose what becomes of a class of members; only while it is a plan."""
    replay = get_object_or_404(Replay, pk=replay_id)
    with _told(request, "Choose send, skip or ask for a class of the plan."):
        control.choose(
            replay,
            Fate(request.POST.get("class", "")),
            Choice(request.POST.get("choice", "")),
            actor=actor(request),
            user=person(request),
            may_release=may(request, Permission.RELEASE),
        )
    return redirect("dlq:replay", replay_id)


@require_POST
@require(Permission.REPLAY)
def decide(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Let the held members of a class go, or stay."""
    replay = get_object_or_404(Replay, pk=replay_id)
    with _told(request, "There is no such class."):
        control.decide(
            replay,
            Fate(request.POST.get("class", "")),
            send=request.POST.get("send") == "yes",
            actor=actor(request),
            user=person(request),
            may_release=may(request, Permission.RELEASE),
        )
    return redirect("dlq:replay", replay_id)


@require_POST
@require(Permission.REPLAY)
def ramp(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Choose the gates of a plan, and how much of one may fail."""
    replay = get_object_or_404(Replay, pk=replay_id)
    who = {"actor": actor(request), "user": person(request)}
    with _told(request, "Choose a ramp and a bound of the lists."):
        sizes = [int(size) for size in request.POST.get("gates", "").split(",") if size]
        most_failed = int(request.POST.get("most_failed", ""))
        control.set_ramp(replay, sizes, most_failed, **who)  # type: ignore[arg-type]
    return redirect("dlq:replay", replay_id)


@require_POST
@require(Permission.REPLAY)
def rate(request: HttpRequest, replay_id: int) -> HttpResponse:
    """At most this many sends a second from now on."""
    replay = get_object_or_404(Replay, pk=replay_id)
    text = request.POST.get("rate", "")
    if text not in {str(number) for number in RATES}:
        messages.error(request, "Choose one of the rates.")
    else:
        control.set_rate(replay, int(text), actor=actor(request), user=person(request))
    return redirect("dlq:replay", replay_id)


@require_POST
@require(Permission.REPLAY)
def settle(request: HttpRequest, item_id: int) -> HttpResponse:
    """Say whether a member that is in doubt was sent."""
    item = get_object_or_404(Item.objects.select_related("letter"), pk=item_id)
    with _told(request):
        settle_maybe_sent(
            item,
            request.POST.get("sent") == "yes",
            actor=actor(request),
            user=person(request),
            reason=request.POST.get("reason", ""),
        )
    return redirect("dlq:replay", item.replay_id)
