"""`POST /api/events`: CloudEvents in structured, batched and binary mode.

2xx means committed. A batch with one bad member is refused whole, and each bad one is named.
"""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, JsonResponse
from ninja import Router
from pydantic import BaseModel

from kit.http import Problem, read_body
from kit.limits import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES
from kit.permissions import Permission
from kit.security import Bearer
from tracing import receipts
from tracing.envelope import (
    BatchError,
    Envelope,
    EnvelopeError,
    body_hash,
    from_batch,
    from_headers,
    from_structured,
)
from tracing.envelope.json_format import members
from tracing.receivers.group_commit import committed_alone, committed_together
from tracing.store import Seen

BROKER = "http"  # the broker and the stream of an appearance that came in here
STREAM = "api/events"
EVENT = "application/cloudevents"
BATCH = "application/cloudevents-batch"
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
    documents: 400 with index and reason of each bad member, 413, 415, 503 with Retry-After.
    """
    kind = _kind(request)
    if kind == BATCH:
        taken = committed_together([seen(event) for event in _batch(request)])
    else:
        one = seen(_single(request, kind))
        taken = committed_alone(one)
    answer = {"accepted": taken.accepted, "duplicates": taken.duplicates}
    return JsonResponse(answer, status=202)


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


def _kind(request: HttpRequest) -> str:
    """EVENT, BATCH, or empty for binary mode. Raises Problem 415."""
    kind = (request.content_type or "").lower()
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if kind.startswith((BATCH, EVENT)):
        name, _, encoding = kind.partition("+")
        if name in (BATCH, EVENT) and encoding == "json" and charset in ("utf-8", "us-ascii"):
            return name
        raise Problem(415, "Unknown format", f"only JSON in UTF-8 is read; send {KNOWN}")
    if any(name.lower().startswith("ce-") for name in request.headers):
        return ""
    raise Problem(415, "Unknown content type", f"send {KNOWN}")


def _single(request: HttpRequest, kind: str) -> Envelope:
    body = read_body(request, EVENT_BYTES)
    try:
        if kind == EVENT:
            return _checked(from_structured(body))
        content_type = request.headers.get("Content-Type", "")
        return _checked(from_headers(_headers(request), content_type, body))
    except EnvelopeError as error:
        raise _refusal([(0, error)]) from error


def _batch(request: HttpRequest) -> list[Envelope]:
    body = read_body(request, BATCH_BYTES)
    try:
        _check_sizes(body)
        return _all_checked(from_batch(body))
    except BatchError as error:
        raise _refusal(error.errors) from error
    except EnvelopeError as error:
        raise Problem(400, "Not a batch of events", str(error)) from error


def _check_sizes(body: bytes) -> None:
    """Raises Problem 413, EnvelopeError."""
    sizes = [len(bytes(member)) for member in members(body)]
    if len(sizes) > BATCH_EVENTS:
        raise Problem(413, "Too many events", f"at most {BATCH_EVENTS:,} in one batch")
    reason = f"is larger than {EVENT_BYTES:,} bytes"
    errors = [
        {"index": index, "path": "", "reason": reason}
        for index, size in enumerate(sizes)
        if size > EVENT_BYTES
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


def _headers(request: HttpRequest) -> Mapping[str, str]:
    return dict(request.headers.items())


def _refusal(errors: Sequence[tuple[int, EnvelopeError]]) -> Problem:
    members = [
        {"index": index, "path": error.path, "reason": error.reason} for index, error in errors
    ]
    return Problem(400, "Not a CloudEvent", "nothing was stored; see errors", members)
