"""W3C trace context: what is accepted of it. A bad one is dropped, the event stays good."""

import re
from collections.abc import Mapping

# Neither is zero; version 00 ends here, a later one may say more, ff is none.
_TRACEPARENT = re.compile(
    r"(?:00(?=.{53}\Z)|(?!00|ff)[0-9a-f]{2})"
    r"-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
_KEY = re.compile(r"[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}")
_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
MEMBERS = 32  # of a tracestate
TRACEPARENT_CHARACTERS = 128


def trace_id(traceparent: str) -> str:
    """The trace ID of a valid traceparent (32 hex digits), else empty."""
    text = traceparent.strip(" \t")
    found = _TRACEPARENT.fullmatch(text) if len(text) <= TRACEPARENT_CHARACTERS else None
    return found[1] if found else ""


def valid_traceparent(traceparent: str) -> str:
    """The traceparent without surrounding space, or empty when it is not to be accepted."""
    return traceparent.strip(" \t") if trace_id(traceparent) else ""


def valid_tracestate(tracestate: str) -> str:
    """The tracestate as it came, or empty when any member is bad, twice there, or one too many."""
    members = [member.strip(" \t") for member in tracestate.split(",")]
    pairs = [member.partition("=") for member in members if member]
    keys = [key for key, _, _ in pairs]
    if not pairs or len(pairs) > MEMBERS or len(set(keys)) != len(keys):
        return ""
    good = all(_KEY.fullmatch(key) and _VALUE.fullmatch(value) for key, _, value in pairs)
    return tracestate if good else ""


def transport_context(headers: Mapping[str, str]) -> dict[str, str]:
    """What is accepted of a transport's own trace context; header names in lower case.

    Two headers of one name arrive joined by a comma, so that two traceparents are none.
    """
    traceparent = valid_traceparent(headers.get("traceparent", ""))
    if not traceparent:
        return {}
    tracestate = valid_tracestate(headers.get("tracestate", ""))
    return {"traceparent": traceparent} | ({"tracestate": tracestate} if tracestate else {})
