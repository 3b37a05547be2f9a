"""Limits of the product, each with what happens past it; Django's settings are elsewhere."""

from typing import Annotated

import msgspec

KIB = 1024
MIB = 1024 * KIB

ATTRIBUTE_BYTES = 8 * KIB  # one attribute's value: 422
KEYS_PER_EVENT = 100  # business keys of one event: the first ones are kept
FORM_BYTES = 2 * MIB  # a revision's payload: 413
PAGE_SIZE = 50  # rows a page, `limit=` up to PAGE_MAX
PAGE_MAX = 500
COUNT_CAP = 10_000  # counts beyond are estimated and shown as "10,000+"
WALK = 5_000  # rows looked at one by one for a page: it ends there, and the next goes on
REPLAY_MEMBERS = 100_000  # members of one replay: refused with the number
PINS = 1_000  # flows that retention leaves whole because somebody said so: refused with the number
TRANSACTION_ROWS = 1_000  # rows in one write transaction on SQLite (DESIGN, hard parts)

# An event of 64 KiB must be taken (CloudEvents 1.0, size limits).
Size = Annotated[int, msgspec.Meta(ge=64 * KIB, le=256 * MIB)]


class Intake(
    msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: f"INTAKE_{name}".upper()
):
    """The limits of taking in that a site may set, by the environment (docs/events.md)."""

    body_bytes: Size = 4 * MIB  # one HTTP body of events as it is sent: 413
    inflated_bytes: Size = 4 * MIB  # the same once inflated: 413
    otlp_bytes: Size = 20 * MIB  # one OTLP body, as it is sent and once inflated: 413
    event_bytes: Size = 1 * MIB  # one event: 413; of a broker's body, what is kept
    batch_events: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1_000  # 413
    nesting: Annotated[int, msgspec.Meta(ge=8, le=256)] = 64  # depth of JSON: 422
    attributes: Annotated[int, msgspec.Meta(ge=16, le=1_024)] = 64  # of one envelope: 422
    # Events and spans of one token in one web process: 429. Zero is no limit.
    events_per_s: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    burst: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)] = 10_000  # at once, beyond the rate


intake = Intake()


def use(limits: Intake) -> None:
    """Say what the limits of taking in are; once, when a process starts."""
    global intake  # noqa: PLW0603  # read by pure code that no setting reaches
    intake = limits
