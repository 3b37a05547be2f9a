"""What an operator does to letters: replay one, plan many, discard. POST only, all audited."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from dlq import classes, control, plan, ramp
from dlq.discard import discard
from dlq.filters import LetterFilter
from dlq.models import Replay
from dlq.refusals import Refused
from dlq.views.letters import found_letter
from dlq.words import Fate
from kit import formats
from kit.permissions import Permission
from kit.security import actor, person, require

ONE = "one letter, from its page"  # the reason when none is asked for: a replay needs no confirm


@require_POST
@require(Permission.REPLAY)
def replay_letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Replay one letter at once; with something to decide first, its plan is shown instead."""
    letter = found_letter(letter_id)
    here = redirect("dlq:letter", letter_id)
    if request.POST.get("version") != str(letter.version):
        return _refuse(request, Refused("The letter changed meanwhile", "Look again."), here)
    try:
        replay = plan.freeze([letter_id], actor=actor(request), user=person(request), reason=ONE)
        classes.classify_all(replay.pk)
        if _to_decide(replay):
            messages.warning(request, "Look at the plan before it is sent.")
            return redirect("dlq:replay", replay.pk)
        control.start(replay, actor=actor(request), user=person(request), reason=ONE)
    except Refused as error:
        return _refuse(request, error, here)
    return here


def _to_decide(replay: Replay) -> bool:
    """Whether a person must look first: other consumers, something newer, or a late answer."""
    replay.refresh_from_db()
    ready = next(c for c in classes.classes(replay) if c.name is Fate.READY)
    return bool(
        replay.plan["needs_acceptance"] or ready.letters != 1 or not replay.plan["classified_at"]
    )


@require_POST
@require(Permission.DISCARD)
def discard_letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """Discard one letter, with a reason."""
    found_letter(letter_id)
    return _discard(
        request, [letter_id], request.POST.get("reason_one", ""), _back(request, letter_id)
    )


@require_POST
@require(Permission.REPLAY)
def plan_replay(request: HttpRequest) -> HttpResponse:
    """Freeze the selected letters, or all that match, and show the plan."""
    try:
        replay = plan.freeze(
            _chosen(request),
            actor=actor(request),
            user=person(request),
            gates=ramp.DEFAULT,
            most_failed=ramp.MOST_FAILED,
        )
    except Refused as error:
        return _refuse(request, error, _back(request))
    classes.classify_all(replay.pk)
    return redirect("dlq:replay", replay.pk)


@require_POST
@require(Permission.DISCARD)
def discard_letters(request: HttpRequest) -> HttpResponse:
    """Discard the selected letters, or all that match, with a reason."""
    reason = request.POST.get(f"reason_{request.POST.get('take', '')}", "")
    try:
        chosen = _chosen(request)
    except Refused as error:
        return _refuse(request, error, _back(request))
    return _discard(request, chosen, reason, _back(request))


def _discard(
    request: HttpRequest,
    chosen: LetterFilter | Sequence[int],
    reason: str,
    back: HttpResponseRedirect,
) -> HttpResponse:
    try:
        done = discard(chosen, reason, actor=actor(request), user=person(request))
    except Refused as error:
        return _refuse(request, error, back)
    messages.success(request, f"Discarded {formats.plural(len(done.letters), 'letter')}.")
    if done.changed:
        count = formats.plural(len(done.changed), "letter")
        messages.warning(request, f"{count} changed meanwhile and stayed.")
    return back


def _chosen(request: HttpRequest) -> LetterFilter | list[int]:
    """The ticked letters, or the filter with all that the page showed (promise 8)."""
    if request.POST.get("take") == "all":
        return LetterFilter.from_query(request.POST)
    ids = [
        int(text) for text in request.POST.getlist("letter") if text.isascii() and text.isdigit()
    ]
    if not ids:
        raise Refused("No letter is selected")
    return ids


def _refuse(request: HttpRequest, error: Refused, back: HttpResponseRedirect) -> HttpResponse:
    messages.error(request, f"{error.title}. {error.detail}".strip())
    return back


def _back(request: HttpRequest, letter_id: int | None = None) -> HttpResponseRedirect:
    """Where the form was, if that is a page of ours."""
    if letter_id is not None:
        return HttpResponseRedirect(reverse("dlq:letter", args=[letter_id]))
    origin = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(origin, {request.get_host()}, request.is_secure()):
        return HttpResponseRedirect(origin)
    return HttpResponseRedirect(reverse("dlq:groups"))
