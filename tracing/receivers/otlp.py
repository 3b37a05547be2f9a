"""`POST /v1/traces`: OTLP over HTTP, protobuf and JSON, answered in kind.

200 means committed. What is wrong with some spans is told in the partial success; the others are
stored all the same.
"""

import json
import threading
from collections.abc import Callable

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from brokers.config import current
from kit import limits
from kit.http import Problem, problem_response, read_body
from kit.models import ApiToken
from kit.permissions import Permission
from kit.security import Bearer
from tracing import spans
from tracing.otlp import Decoded, Refused, from_json, from_protobuf
from tracing.receivers import pace

PROTOBUF, JSON = "application/x-protobuf", "application/json"
AT_ONCE = 4  # requests of this process that are read or stored
PATIENCE_S = 1.0  # how long another one waits for its turn before it is told to come again
RETRY_AFTER_S = 2
# google.rpc.Code of what can go wrong here; others are UNKNOWN
CODES = {400: 3, 401: 16, 403: 7, 405: 12, 413: 8, 415: 3, 429: 8, 500: 13, 503: 14}
UNKNOWN = 2
READERS: dict[str, Callable[[bytes], Decoded]] = {PROTOBUF: from_protobuf, JSON: from_json}

_places = threading.BoundedSemaphore(AT_ONCE)


@csrf_exempt
@login_not_required
def take_traces(request: HttpRequest) -> HttpResponse:
    """Take in an export request; a token with the scope `ingest` is asked for.

    400 bad data, 401, 403, 413, 415, 429 and 503 with Retry-After; errors are a google.rpc.Status
    for a protobuf client, else a problem document.
    """
    kind = (request.content_type or "").lower()
    try:
        token = _check(request, kind)
        pace.admit(token)
        return _answer(kind, _taken(request, kind, token))
    except Problem as problem:
        return _refusal(kind, problem)


def _check(request: HttpRequest, kind: str) -> ApiToken:
    """Who sends. Raises Problem 405, 401, 403, 415."""
    if request.method != "POST":
        raise Problem(405, "Method not allowed", "send POST", headers={"Allow": "POST"})
    token: ApiToken | None = Bearer(Permission.INGEST)(request)
    if token is None:
        detail = "send `Authorization: Bearer …` with a token from Settings"
        raise Problem(401, "Who are you?", detail, headers={"WWW-Authenticate": "Bearer"})
    if kind not in READERS:
        raise Problem(415, "Unknown content type", f"send {PROTOBUF} or {JSON}")
    return token


def _taken(request: HttpRequest, kind: str, token: ApiToken) -> Decoded:
    """The request, once all of it is committed. Raises Problem."""
    if not _places.acquire(timeout=PATIENCE_S):
        raise _later(429, "too many requests are being stored")
    try:
        decoded = READERS[kind](read_body(request, limits.intake.otlp_bytes))
        pace.spend(token, len(decoded.spans))
        spans.take(decoded.spans, keys=current().keys)
        return decoded
    except Refused as error:
        title = "Not an export request" if error.status == 400 else "Too many spans"
        raise Problem(error.status, title, str(error)) from error
    except (OperationalError, InterfaceError) as error:
        raise _later(503, "the database is away") from error
    except DatabaseError as error:
        raise Problem(500, "Not stored", "the database refused it") from error
    finally:
        _places.release()


def _later(status: int, detail: str) -> Problem:
    return Problem(status, "Try again", detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def _answer(kind: str, decoded: Decoded) -> HttpResponse:
    if kind == JSON:
        partial = {"rejectedSpans": str(decoded.rejected), "errorMessage": decoded.reason}
        document = {"partialSuccess": partial} if decoded.rejected else {}
        return HttpResponse(json.dumps(document), content_type=JSON)
    response = ExportTraceServiceResponse()
    if decoded.rejected:
        response.partial_success.rejected_spans = decoded.rejected
        response.partial_success.error_message = decoded.reason
    return HttpResponse(response.SerializeToString(), content_type=PROTOBUF)


def _refusal(kind: str, problem: Problem) -> HttpResponse:
    if kind != PROTOBUF:
        return problem_response(problem)
    status = Status(
        code=CODES.get(problem.status, UNKNOWN), message=f"{problem.title}: {problem.detail}"
    )
    response = HttpResponse(
        status.SerializeToString(), status=problem.status, content_type=PROTOBUF
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response
