"""An event as Python sees it, and as the fields of a stream entry."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from cascade_client import context, fields
from cascade_client.errors import Malformed, NotJson

Fields = Sequence[tuple[bytes, bytes]]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One CloudEvent. Text attributes are empty where the message has none.

    `data` is the parsed body when that is JSON, else the body's bytes; `attempt` and `target`
    are the stamps of a replay.
    """

    id: str
    source: str
    type: str
    data: Any = None
    body: bytes | None = None
    time: str = ""  # RFC 3339 as on the wire
    subject: str = ""
    correlation_id: str = ""
    causes: tuple[str, ...] = ()  # event IDs, the one it is a direct answer to first
    partition_key: str = ""
    sequence: str = ""
    traceparent: str = ""
    tracestate: str = ""
    dataschema: str = ""
    content_type: str = ""
    specversion: str = "1.0"
    extensions: Mapping[str, str] = field(default_factory=dict)  # further ce-*, without the prefix
    headers: Mapping[str, str] = field(default_factory=dict)
    attempt: str = ""
    target: str = ""

    @property
    def flow_id(self) -> str:
        """The correlation ID, else the trace ID, else the event's own ID."""
        parts = self.traceparent.split("-")
        trace_id = parts[1] if len(parts) >= 4 else ""
        return self.correlation_id or trace_id or self.id


def rfc3339(moment: datetime) -> str:
    """UTC with microseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def stamped(
    *,
    source: str,
    type: str,
    data: Any,
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
    causes: Iterable[str] = (),
) -> Envelope:
    """A new event, stamped from the context: correlation, causes, partition key and trace.

    Outside of any flow it starts one of its own. Raises ValueError when `data` is no JSON.
    """
    here = context.current()
    trace = context.trace_headers()
    event_id = str(uuid.uuid4())
    direct = [here.cause] if here and here.cause else []
    return Envelope(
        id=event_id,
        source=source,
        type=type,
        data=data,
        body=json.dumps(data, allow_nan=False, separators=(",", ":")).encode(),
        time=rfc3339(datetime.now(UTC)),
        correlation_id=here.correlation_id if here else str(uuid.uuid4()),
        causes=tuple(dict.fromkeys([*direct, *causes])),
        partition_key=key if key is not None else (here.partition_key if here else ""),
        traceparent=trace.get("traceparent", ""),
        tracestate=trace.get("tracestate", ""),
        content_type=JSON,
        headers=_free(headers or {}),
    )


def _free(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that collide with no name of ours. Raises ValueError."""
    taken = {fields.CONTENT_TYPE, fields.DATA, *fields.STAMPS}
    for name in headers:
        if name in taken or name.startswith((fields.ATTRIBUTE_PREFIX, fields.DEAD_LETTER_PREFIX)):
            raise ValueError(f"the header name {name!r} is reserved")
    return dict(headers)


def join_causes(causes: Iterable[str]) -> str:
    """Event IDs in one string: comma-separated, `,` and `%` inside an ID percent-encoded."""
    return ",".join(cause.replace("%", "%25").replace(",", "%2C") for cause in causes)


def split_causes(text: str) -> list[str]:
    """The reverse of `join_causes`."""
    return [unquote(part) for part in text.split(",") if part]


def to_fields(event: Envelope) -> list[tuple[bytes, bytes]]:
    """The fields of a stream entry. Replay stamps are left out: they are never passed on."""
    several = join_causes(event.causes) if len(event.causes) > 1 else ""
    named = {
        fields.SPECVERSION: event.specversion,
        fields.ID: event.id,
        fields.SOURCE: event.source,
        fields.TYPE: event.type,
        fields.TIME: event.time,
        fields.SUBJECT: event.subject,
        fields.CORRELATION_ID: event.correlation_id,
        fields.CAUSATION_ID: event.causes[0] if event.causes else "",
        fields.CAUSATION_IDS: several,
        fields.PARTITION_KEY: event.partition_key,
        fields.SEQUENCE: event.sequence,
        fields.TRACEPARENT: event.traceparent,
        fields.TRACESTATE: event.tracestate,
        fields.DATASCHEMA: event.dataschema,
        **{fields.ATTRIBUTE_PREFIX + name: value for name, value in event.extensions.items()},
        **event.headers,
        fields.CONTENT_TYPE: event.content_type,
    }
    pairs = [(name.encode(), value.encode()) for name, value in named.items() if value]
    return pairs if event.body is None else [*pairs, (fields.DATA.encode(), event.body)]


def from_fields(entry: Fields) -> Envelope:
    """What the fields of an entry say, body unread; never fails, whatever they hold.

    A field given twice counts as its last value, as for every client that reads a mapping.
    """
    raw = {name.decode(errors="backslashreplace"): value for name, value in entry}
    body = raw.pop(fields.DATA, None)
    texts = {name: value.decode(errors="backslashreplace") for name, value in raw.items()}
    take = partial(_take, texts)
    return Envelope(
        id=take(fields.ID),
        source=take(fields.SOURCE),
        type=take(fields.TYPE),
        body=body,
        time=take(fields.TIME),
        subject=take(fields.SUBJECT),
        correlation_id=take(fields.CORRELATION_ID),
        causes=_causes(take(fields.CAUSATION_ID), take(fields.CAUSATION_IDS)),
        partition_key=take(fields.PARTITION_KEY),
        sequence=take(fields.SEQUENCE),
        traceparent=take(fields.TRACEPARENT),
        tracestate=take(fields.TRACESTATE),
        dataschema=take(fields.DATASCHEMA),
        content_type=take(fields.CONTENT_TYPE),
        specversion=take(fields.SPECVERSION) or "1.0",
        attempt=take(fields.ATTEMPT),
        target=take(fields.TARGET),
        extensions=_extensions(texts),
        headers=texts,  # what is left
    )


def _take(texts: dict[str, str], name: str) -> str:
    return texts.pop(name, "")


def _causes(direct: str, several: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*([direct] if direct else []), *split_causes(several)]))


def _extensions(texts: dict[str, str]) -> dict[str, str]:
    prefix = fields.ATTRIBUTE_PREFIX
    names = [name for name in texts if name.startswith(prefix)]
    return {name.removeprefix(prefix): texts.pop(name) for name in names}


def read_body(event: Envelope) -> Envelope:
    """The same event with `data` read. Raises Malformed, NotJson."""
    if is_json(event.content_type):
        data = parse_json(event.body) if event.body is not None else None
    else:
        data = event.body
    if event.specversion != "1.0":
        raise Malformed(f"specversion {event.specversion!r} is not 1.0")
    if not event.type:
        raise Malformed(f"no field {fields.TYPE}")
    return replace(event, data=data)


def is_json(content_type: str) -> bool:
    """Whether a body of this media type is JSON; without one it is."""
    media = content_type.partition(";")[0].strip().lower()
    return not media or media.endswith(("/json", "+json"))


def parse_json(body: bytes) -> Any:
    """The value of a JSON text. Raises NotJson, which names the offending byte."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise NotJson(_offence(body, error.start)) from None
    except json.JSONDecodeError as error:
        raise NotJson(_offence(body, len(error.doc[: error.pos].encode()))) from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error)) from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _offence(body: bytes, position: int) -> str:
    if position >= len(body):
        return f"ends at position {len(body)}"
    return f"byte 0x{body[position]:02x} at position {position}"
