"""Bodies within a bound, and problem documents."""

import gzip
import io
import json

import pytest
from django.test import RequestFactory

from kit.http import Problem, problem_response, read_body

LIMIT = 1_000


def _read(body: bytes, encoding: str = "") -> bytes:
    headers = {"Content-Encoding": encoding}
    request = RequestFactory().post("/", body, content_type="application/json", headers=headers)
    return read_body(request, LIMIT)


def test_a_body_within_the_limit_is_read_plain_and_zipped() -> None:
    assert _read(b"x" * LIMIT) == b"x" * LIMIT
    assert _read(gzip.compress(b"y" * LIMIT), "gzip") == b"y" * LIMIT


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"x" * (LIMIT + 1), "", 413),
        (gzip.compress(b"x" * (LIMIT + 1)), "gzip", 413),
        (gzip.compress(b"\0" * 10_000_000), "gzip", 413),
        (b"not gzip", "gzip", 400),
        (gzip.compress(b"cut off")[:-4], "gzip", 400),
        (gzip.compress(b"a") + b"more", "gzip", 400),
        (b"x", "br", 415),
    ],
)
def test_what_is_refused(body: bytes, encoding: str, status: int) -> None:
    with pytest.raises(Problem) as refused:
        _read(body, encoding)
    assert refused.value.status == status


@pytest.mark.parametrize("size", [0, 1, LIMIT, LIMIT + 1])
def test_a_chunked_body_is_read_within_the_limit(size: int) -> None:
    class OneByOne(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 300))

    request = RequestFactory().generic("POST", "/")
    request.META.pop("CONTENT_LENGTH", None)
    request.META |= {"wsgi.input": OneByOne(b"x" * size), "wsgi.input_terminated": True}
    if size <= LIMIT:
        assert read_body(request, LIMIT) == b"x" * size
        return
    with pytest.raises(Problem, match="413"):
        read_body(request, LIMIT)


def test_a_problem_document_has_the_members_of_rfc_9457() -> None:
    problem = Problem(400, "Bad", "why", [{"index": 1, "reason": "no id"}], {"Retry-After": "1"})
    response = problem_response(problem)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "1"
    assert json.loads(response.content) == {
        "type": "about:blank",
        "title": "Bad",
        "status": 400,
        "detail": "why",
        "errors": [{"index": 1, "reason": "no id"}],
    }
