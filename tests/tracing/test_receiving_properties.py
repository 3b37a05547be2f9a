"""Whatever is posted: events, or a problem with one of the documented answers."""

import gzip
import json

from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from kit.http import Problem
from tests.tracing.posting import MANY, ONE, event
from tracing.envelope import Envelope
from tracing.receivers.http import read_events

DOCUMENTED = {400, 413, 415, 422}
CHARACTERS = st.characters(max_codepoint=255, exclude_categories=["Cc"])  # as WSGI hands them over
CONTENT_TYPES = st.sampled_from([ONE, MANY, "application/json", f"{ONE}; charset=x"]) | st.text(
    CHARACTERS, max_size=30
)
GOOD = json.dumps(event()).encode()
BODIES = st.binary() | st.sampled_from([GOOD, b"[" + GOOD + b"]", b"[]", b"{}"])
NAMES = st.sampled_from(["ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time", "ce-x_y"])
VALUES = st.sampled_from(["1", "1.0", "/a", "%41%", '"x', "", "2026-08-18T14:23:04Z"]) | st.text(
    CHARACTERS, max_size=10
)
ENCODINGS = st.sampled_from(["", "identity", "gzip", "GZIP ", "br"])


@given(CONTENT_TYPES, BODIES, st.dictionaries(NAMES, VALUES), ENCODINGS, st.booleans())
def test_events_or_a_problem(
    content_type: str, body: bytes, headers: dict[str, str], encoding: str, zipped: bool
) -> None:
    sent = gzip.compress(body) if zipped else body
    request = RequestFactory().generic(
        "POST",
        "/api/events",
        sent,
        content_type=content_type,
        headers={**headers, "content-encoding": encoding},
    )
    try:
        events = read_events(request)
    except Problem as problem:
        assert problem.status in DOCUMENTED
        assert problem.detail
    else:
        assert all(isinstance(one, Envelope) for one in events)
