"""Bodies read within a bound, and problem documents (RFC 9457) for whatever went wrong."""

import json
import zlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

CHUNK = 64 * 1024


class Problem(Exception):
    """An answer that is an error: `errors` names each bad member with index and reason."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def problem_response(problem: Problem) -> HttpResponse:
    """The problem as application/problem+json."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        document["detail"] = problem.detail
    if problem.errors:
        document["errors"] = problem.errors
    response = HttpResponse(
        json.dumps(document), status=problem.status, content_type="application/problem+json"
    )
    for name, value in problem.headers.items():
        response[name] = value
    return response


def plain_problem(status: int, detail: str = "") -> Problem:
    """A problem whose title is the status's own phrase."""
    return Problem(status, HTTPStatus(status).phrase, detail)


def read_body(request: HttpRequest, limit: int, inflated: int | None = None) -> bytes:
    """The body, decompressed: at most `limit` bytes as sent, at most `inflated` (or `limit`) after.

    Raises Problem: 413 past a limit, 415 for an unknown encoding, 400 for broken gzip.
    """
    after = limit if inflated is None else inflated
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip"}:
        raise Problem(415, "Unknown content encoding", "send gzip or identity")
    zipped = encoding == "gzip"
    bound = limit if zipped else min(limit, after)
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdigit() and int(declared) > bound:
        raise _too_large(bound)
    raw = _sent(request, bound + 1)
    if len(raw) > bound:
        raise _too_large(bound)
    return _gunzip(raw, after) if zipped else raw


def _sent(request: HttpRequest, most: int) -> bytes:
    """The body as it is sent, at most so many bytes of it."""
    # Django reads nothing of a chunked body, which has no length; the server knows where it ends
    chunked = "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated")
    stream = request.META["wsgi.input"] if chunked else request
    parts: list[bytes] = []
    while most > 0 and (part := stream.read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _gunzip(raw: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Problem(400, "Broken gzip", str(error)) from error
    if len(body) > limit or inflater.unconsumed_tail:
        raise _too_large(limit, " once it is inflated")
    if not inflater.eof or inflater.unused_data:
        raise Problem(400, "Broken gzip", "the stream is cut off or has something behind it")
    return body


def _too_large(limit: int, when: str = "") -> Problem:
    return Problem(413, "Body too large", f"at most {limit:,} bytes{when}")
