"""The API of dead letters and replays; refusals are problem documents."""

from collections.abc import Callable
from typing import TypeVar

from django.http import HttpRequest
from ninja import Router, Status

from dlq import classes, control, discard, documents, editing, plan, queries, replay_documents
from dlq.bodies import (
    Decision,
    DiscardOut,
    Letters,
    Move,
    NewDiscard,
    NewReplay,
    NewRevision,
    Replays,
    Settlement,
)
from dlq.documents import (
    ContentOut,
    RevisionOut,
    WholeLetterOut,
)
from dlq.editing import Conflict, EditError
from dlq.filters import LetterFilter
from dlq.models import Item, Letter, Replay
from dlq.refusals import Refused
from dlq.replay_documents import ReplayOut, WholeReplayOut
from dlq.settle import settle_maybe_sent
from kit.http import Problem
from kit.limits import PAGE_SIZE
from kit.pages import page
from kit.permissions import Permission
from kit.security import BearerOrSession, actor, may, person

router = Router(tags=["dead letters"])
READ = BearerOrSession(Permission.READ)
EDIT = BearerOrSession(Permission.EDIT)
REPLAY = BearerOrSession(Permission.REPLAY)
DISCARD = BearerOrSession(Permission.DISCARD)
R = TypeVar("R")


@router.get("/dead-letters", response=Letters, auth=READ)
def list_letters(request: HttpRequest, cursor: str = "", limit: int = PAGE_SIZE) -> Letters:
    """Dead letters, last death first; filters as on the page."""
    found = queries.letters(_understood(LetterFilter.from_query(request.GET)))
    rows = page(found, queries.BY_DEATH, cursor, limit)
    items = [documents.letter(row) for row in rows.items]
    return Letters(items=items, next=rows.next, count=rows.count, estimated=rows.estimated)


@router.post("/dead-letters/discard", response=DiscardOut, auth=DISCARD)
def discard_letters(request: HttpRequest, body: NewDiscard) -> DiscardOut:
    """Take letters off their dead-letter queues and close them."""
    done = _or_problem(
        lambda: discard.discard(
            body.chosen(), body.reason, actor=actor(request), user=person(request)
        )
    )
    return DiscardOut(discarded=len(done.letters), copies=done.copies, changed=done.changed)


@router.get("/dead-letters/{int:letter_id}", response=WholeLetterOut, auth=READ)
def show_letter(request: HttpRequest, letter_id: int) -> WholeLetterOut:
    """One dead letter with payload and headers, masked, and its revisions."""
    return documents.whole_letter(_letter(letter_id))


@router.get("/dead-letters/{int:letter_id}/content", response=ContentOut, auth=EDIT)
def show_content(request: HttpRequest, letter_id: int) -> ContentOut:
    """What an edit begins with, unmasked: whoever may edit it may see it."""
    return documents.content(_letter(letter_id))


@router.post("/dead-letters/{int:letter_id}/revisions", response={201: RevisionOut}, auth=EDIT)
def revise(request: HttpRequest, letter_id: int, body: NewRevision) -> Status[RevisionOut]:
    """Keep an edit of payload or headers; the original is never changed."""
    try:
        made = editing.revise(
            _letter(letter_id),
            body.payload,
            body.headers,
            body.reason,
            actor(request),
            user=person(request),
            version=body.version,
        )
    except EditError as error:
        where: dict[str, object] = {"path": error.field, "reason": error.text}
        if error.line:
            where |= {"line": error.line, "column": error.column}
        status = 409 if isinstance(error, Conflict) else 422
        raise Problem(status, "The edit is refused", error.text, [where]) from error
    return Status(201, documents.revision(made))


@router.get("/replays", response=Replays, auth=READ)
def list_replays(request: HttpRequest, cursor: str = "", limit: int = PAGE_SIZE) -> Replays:
    """Replays and plans, newest first; `state=` one of their states."""
    found = Replay.objects.all()
    if state := request.GET.get("state", ""):
        found = found.filter(state=state)
    rows = page(found, ("-id",), cursor, limit)
    items = [replay_documents.replay(row) for row in rows.items]
    return Replays(items=items, next=rows.next, count=rows.count, estimated=rows.estimated)


@router.post("/replays", response={201: WholeReplayOut}, auth=REPLAY)
def new_replay(request: HttpRequest, body: NewReplay) -> Status[WholeReplayOut]:
    """Freeze a plan, and start it unless `dry_run`; or start the plan of an earlier dry run."""
    who, user = actor(request), person(request)
    if body.replay is not None:
        made = _replay(body.replay)
    else:
        made = _or_problem(
            lambda: plan.freeze(
                body.chosen(),
                actor=who,
                user=user,
                reason=body.reason,
                choices=body.by_class(),
                receipt_wait_s=body.receipt_wait_s,
                rate_per_s=body.rate_per_s,
                gates=body.ramp,
                most_failed=body.most_failed,
            )
        )
        classes.classify_all(made.pk)
        made.refresh_from_db()
    if not body.dry_run:
        made = _or_problem(
            lambda: control.start(
                made,
                actor=who,
                user=user,
                reason=body.reason,
                accept_others=body.accept_others,
                choices=body.by_class(),
                may_release=may(request, Permission.RELEASE),
            )
        )
    return Status(201, replay_documents.whole_replay(made))


@router.get("/replays/{int:replay_id}", response=WholeReplayOut, auth=READ)
def show_replay(request: HttpRequest, replay_id: int) -> WholeReplayOut:
    """One replay with its account; the members that need a look come first."""
    return replay_documents.whole_replay(_replay(replay_id))


@router.post("/replays/{int:replay_id}/pause", response=ReplayOut, auth=REPLAY)
def pause_replay(request: HttpRequest, replay_id: int, body: Move | None = None) -> ReplayOut:
    """Send nothing more for now."""
    why = body.reason if body else ""
    who, user = actor(request), person(request)
    moved = _or_problem(lambda: control.pause(_replay(replay_id), actor=who, user=user, reason=why))
    return replay_documents.replay(moved)


@router.post("/replays/{int:replay_id}/resume", response=ReplayOut, auth=REPLAY)
def resume_replay(request: HttpRequest, replay_id: int, body: Move | None = None) -> ReplayOut:
    """Go on; with `again`, what failed again in this replay is sent once more."""
    given = body or Move()
    who, user = actor(request), person(request)
    moved = _or_problem(
        lambda: control.resume(
            _replay(replay_id),
            actor=who,
            user=user,
            reason=given.reason,
            accept_others=given.accept_others,
            again=given.again,
        )
    )
    return replay_documents.replay(moved)


@router.post("/replays/{int:replay_id}/cancel", response=ReplayOut, auth=REPLAY)
def cancel_replay(request: HttpRequest, replay_id: int, body: Move | None = None) -> ReplayOut:
    """Send nothing more; what was sent keeps its outcome to come."""
    why = body.reason if body else ""
    who, user = actor(request), person(request)
    moved = _or_problem(
        lambda: control.cancel(_replay(replay_id), actor=who, user=user, reason=why)
    )
    return replay_documents.replay(moved)


@router.post("/replays/{int:replay_id}/decide", response=ReplayOut, auth=REPLAY)
def decide(request: HttpRequest, replay_id: int, body: Decision) -> ReplayOut:
    """Let the held members of a class go, or stay."""
    who, user = actor(request), person(request)
    moved = _or_problem(
        lambda: control.decide(
            _replay(replay_id),
            body.fate,
            send=body.send,
            actor=who,
            user=user,
            reason=body.reason,
            may_release=may(request, Permission.RELEASE),
        )
    )
    return replay_documents.replay(moved)


@router.post("/replay-items/{int:item_id}/settle", response=ReplayOut, auth=REPLAY)
def settle_item(request: HttpRequest, item_id: int, body: Settlement) -> ReplayOut:
    """Say whether a member that may have been sent was sent."""
    item = Item.objects.select_related("letter", "replay").filter(pk=item_id).first()
    if item is None:
        raise Problem(404, "Not found", f"there is no member {item_id}")
    who, user = actor(request), person(request)
    _or_problem(
        lambda: settle_maybe_sent(item, body.sent, actor=who, user=user, reason=body.reason)
    )
    return replay_documents.replay(_replay(item.replay_id))


def _understood(chosen: LetterFilter) -> LetterFilter:
    if chosen.trouble:
        raise Problem(422, "The words cannot be understood", chosen.trouble)
    return chosen


def _letter(letter_id: int) -> Letter:
    found = queries.letter(letter_id)
    if found is None:
        raise Problem(404, "Not found", f"there is no dead letter {letter_id}")
    return found


def _replay(replay_id: int) -> Replay:
    found = Replay.objects.filter(pk=replay_id).first()
    if found is None:
        raise Problem(404, "Not found", f"there is no replay {replay_id}")
    return found


def _or_problem(action: Callable[[], R]) -> R:
    """What the action answers; a refusal is a conflict with what is there."""
    try:
        return action()
    except Refused as refusal:
        raise Problem(409, refusal.title, refusal.detail) from refusal
