"""`POST /api/events`: CloudEvents in structured, batched and binary mode.

2xx means committed. A batch with one bad member is refused whole, and each bad one is named.
How to send, and the table of answers: docs/events.md.
"""

from collections.abc import Sequence

import msgspec
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import Router
from pydantic import BaseModel

from kit import limits
from kit.http import Problem, read_body
from kit.models import ApiToken
from kit.permissions import Permission
from kit.security import Bearer
from tracing import receipts
from tracing.envelope import (
    BatchError,
    Envelope,
    EnvelopeError,
    FormatError,
    LimitError,
    Mode,
    body_hash,
    from_batch,
    from_headers,
    from_structured,
    mode_of,
)
from tracing.envelope.json_format import members
from tracing.envelope.trace import transport_context
from tracing.receivers import pace
from tracing.receivers.group_commit import committed_alone, committed_together
from tracing.receivers.handshake import handshake
from tracing.rows import HTTP_BROKER
from tracing.store import Seen

BROKER = HTTP_BROKER  # the broker and the stream of an appearance that came in here
STREAM = "api/events"
KNOWN = "application/cloudevents+json, application/cloudevents-batch+json, or ce-* headers"

router = Router(tags=["events"])


class Accepted(BaseModel):
    """How many events were new, and how many were known already."""

    accepted: int
    duplicates: int


@router.post(
    "/events",
    auth=Bearer(Permission.INGEST),
    response={202: Accepted},
    summary="Take in CloudEvents",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/cloudevents+json": {"schema": {"type": "object"}},
                "application/cloudevents-batch+json": {
                    "schema": {"type": "array", "items": {"type": "object"}}
                },
            },
        }
    },
)
def take_events(request: HttpRequest) -> JsonResponse:
    """One event (structured or binary) or a batch; 202 once it is committed.

    Receipts are events of type `cascade.receipt.v1`. Gzip is taken. Errors are problem
    documents: 400 and 422 with index and reason of each bad member, 413, 415, 429 and 503 with
    Retry-After.
    """
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # ninja puts it there
    pace.admit(token)
    found = [seen(event) for event in read_events(request)]
    pace.spend(token, len(found))
    taken = committed_alone(found[0]) if len(found) == 1 else committed_together(found)
    answer = {"accepted": taken.accepted, "duplicates": taken.duplicates}
    return JsonResponse(answer, status=202)


@router.api_operation(["OPTIONS"], "/events", auth=None, summary="The webhook handshake")
def shake_hands(request: HttpRequest) -> HttpResponse:
    """204 with WebHook-Allowed-Origin and -Rate for an origin on the list, else 403."""
    return handshake(request)


def read_events(request: HttpRequest) -> list[Envelope]:
    """The events of a request in whatever mode. Raises Problem 400, 413, 415, 422."""
    mode = _mode(request)
    return _batch(request) if mode is Mode.BATCH else [_single(request, mode)]


def seen(event: Envelope) -> Seen:
    """An event as it came in here. Its position is what it is: sent again, it is at the same."""
    return Seen(
        broker=BROKER,
        stream=STREAM,
        topic="",
        position=event.identity.hex() + body_hash(event.data).hex(),
        time=None,
        message=event,
    )


def _mode(request: HttpRequest) -> Mode:
    """Raises Problem 415."""
    try:
        mode = mode_of(request.META.get("CONTENT_TYPE", ""))
    except FormatError as error:
        raise Problem(415, "Unknown format", f"{error.reason}; send {KNOWN}") from error
    if mode is Mode.BINARY and not any(name.startswith("HTTP_CE_") for name in request.META):
        raise Problem(415, "Unknown content type", f"send {KNOWN}")
    return mode


def _single(request: HttpRequest, mode: Mode) -> Envelope:
    body = read_body(request, limits.intake.body_bytes, limits.intake.event_bytes)
    headers = request.headers
    try:
        if mode is Mode.BINARY:
            return _checked(from_headers(headers, headers.get("Content-Type", ""), body))
        event = from_structured(body)
        if context := _context(request):
            event = msgspec.structs.replace(event, headers=context)
        return _checked(event)
    except EnvelopeError as error:
        raise _refusal([(0, error)]) from error


def _batch(request: HttpRequest) -> list[Envelope]:
    body = read_body(request, limits.intake.body_bytes, limits.intake.inflated_bytes)
    try:
        _check_sizes(body)
        events = _all_checked(from_batch(body))
    except BatchError as error:
        raise _refusal(error.errors) from error
    except EnvelopeError as error:
        raise Problem(_status([error]), "Not a batch of events", str(error)) from error
    context = _context(request)
    if not context:
        return events
    return [msgspec.structs.replace(one, headers=context, shared_headers=True) for one in events]


def _context(request: HttpRequest) -> dict[str, str]:
    """The transport's own trace context, as headers to keep beside the event's."""
    named = {name: request.headers.get(name, "") for name in ("traceparent", "tracestate")}
    return transport_context(named)


def _check_sizes(body: bytes) -> None:
    """Raises Problem 413, EnvelopeError."""
    sizes = [len(bytes(member)) for member in members(body)]
    if len(sizes) > limits.intake.batch_events:
        detail = f"at most {limits.intake.batch_events:,} in one batch"
        raise Problem(413, "Too many events", detail)
    longest = limits.intake.event_bytes
    reason = f"is larger than {longest:,} bytes"
    errors = [
        {"index": index, "path": "", "reason": reason}
        for index, size in enumerate(sizes)
        if size > longest
    ]
    if errors:
        raise Problem(413, "Event too large", "see errors", errors)


def _all_checked(events: Sequence[Envelope]) -> list[Envelope]:
    """Raises BatchError."""
    errors: list[tuple[int, EnvelopeError]] = []
    for index, event in enumerate(events):
        try:
            _checked(event)
        except EnvelopeError as error:
            errors.append((index, error))
    if errors:
        raise BatchError(errors)
    return list(events)


def _checked(event: Envelope) -> Envelope:
    """The event, when it is no receipt or a good one. Raises EnvelopeError."""
    if receipts.is_receipt(event):
        receipts.parse(event, BROKER)
    return event


def _refusal(errors: Sequence[tuple[int, EnvelopeError]]) -> Problem:
    named = [
        {"index": index, "path": error.path, "reason": error.reason} for index, error in errors
    ]
    status = _status([error for _, error in errors])
    return Problem(status, "Not a CloudEvent", "nothing was stored; see errors", named)


def _status(errors: Sequence[EnvelopeError]) -> int:
    """422 when all that is wrong is beyond a limit of ours, 400 when it is no event at all."""
    return 422 if all(isinstance(error, LimitError) for error in errors) else 400
