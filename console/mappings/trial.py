"""A mapping tried: which events the last messages of a stream would become, or why not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from brokers.config import Keys, MappingConfig
from brokers.contract import Entry
from kit.redaction import mask_json, mask_text
from tracing.envelope import Envelope, Malformed, Rules, from_entry, positional
from tracing.envelope.foreign import parsed
from tracing.envelope.others import MISFIT, READ_AS
from tracing.envelope.suggest import Suggestion, suggest
from tracing.keys import keys_of
from tracing.sealing import seal

TRIED = 20  # messages shown
BODY_SHOWN = 400  # characters of each
CLOUD_EVENT = "a CloudEvent: it says itself what it is, no mapping is looked at"


@dataclass(frozen=True, slots=True)
class Tried:
    """What one message becomes; texts are masked. `note` says what does not fit, or is empty."""

    position: str
    at: datetime | None
    read_as: str
    note: str
    id: str = ""
    source: str = ""
    type: str = ""
    time: datetime | None = None
    correlation: str = ""  # "": a flow of its own
    causes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    body: str = ""


def attempt(entries: Sequence[Entry], mapping: MappingConfig | None, keys: Keys) -> list[Tried]:
    """The first messages as this mapping alone would have them read."""
    rules = Rules(keys, (mapping,) if mapping else ())
    return [_tried(entry, rules) for entry in entries[:TRIED]]


def proposal(entries: Sequence[Entry]) -> Suggestion:
    """What is proposed for a stream with these messages; CloudEvents among them need none."""
    found = ((entry, from_entry(entry)) for entry in entries)
    return suggest(
        [one for entry, one in found if isinstance(one, Envelope) and _is_foreign(entry, one)]
    )


def formats(entries: Sequence[Entry]) -> list[str]:
    """What these messages are recognised as, the commonest first; "" is nobody's format."""
    counts: Counter[str] = Counter()
    for entry in entries:
        found = from_entry(entry)
        if isinstance(found, Envelope) and _is_foreign(entry, found):
            counts[found.extensions.get(READ_AS, "")] += 1
        else:
            counts["CloudEvents"] += 1
    return [name for name, _ in counts.most_common()]


def _is_foreign(entry: Entry, event: Envelope) -> bool:
    by_position = positional(entry.broker, entry.stream, entry.position)
    return READ_AS in event.extensions or (event.source, event.id) == by_position


def _tried(entry: Entry, rules: Rules) -> Tried:
    found = from_entry(entry, rules)
    if isinstance(found, Malformed):
        return Tried(entry.position, entry.time, "", mask_text(found.reason))
    said = found.extensions.get(READ_AS, "")
    misfit = said if MISFIT in said else ""
    meant = bool(rules.mappings) and not _is_foreign(entry, found)
    return Tried(
        position=entry.position,
        at=entry.time,
        read_as="" if misfit else said,
        note=CLOUD_EVENT if meant else misfit,
        id=mask_text(found.id),
        source=mask_text(found.source),
        type=mask_text(found.type),
        time=found.time,
        correlation=mask_text(found.correlation_id),
        causes=tuple(map(mask_text, found.causes)),
        keys=tuple(mask_text(key) for key in keys_of(found, rules.keys, seal)),
        body=_masked(found.data),
    )


def _masked(data: bytes | None) -> str:
    document: Any = parsed(data)
    if document is None:
        text = mask_text((data or b"")[:BODY_SHOWN].decode(errors="backslashreplace"))
    else:
        text = msgspec.json.encode(mask_json(document)).decode()
    return text if len(text) <= BODY_SHOWN else f"{text[:BODY_SHOWN]}…"
