"""Spring's message headers: Integration, Cloud Stream, Kafka and AMQP converters.

Sources: https://docs.spring.io/spring-integration/reference/message.html (id, timestamp,
correlationId, sequenceNumber), https://docs.spring.io/spring-kafka/reference/kafka/headers.html
(`spring_json_header_types`; id and timestamp are left out by default) and .../kafka/serdes.html
(`__TypeId__`). Header values may be JSON texts, in quotes.
"""

import re

from tracing.envelope.foreign.message import Found, Message

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def read(message: Message) -> Found | None:
    """Spring's own marks, or `id` (a UUID) with `timestamp` and `contentType`."""
    headers = message.headers
    certain = "spring_json_header_types" in headers or "__TypeId__" in headers
    if not certain and not ("timestamp" in headers and "contentType" in headers):
        return None
    own = _said(headers, "id")
    own = own if _UUID.fullmatch(own) else ""
    if not certain and not own:
        return None
    return Found(
        reader="Spring",
        id=own,
        type=_said(headers, "__TypeId__") or _said(headers, "type"),
        time=_said(headers, "timestamp"),
        correlation=_said(headers, "correlationId") or _said(headers, "kafka_correlationId"),
        partition_key=_said(headers, "partitionKey"),
        sequence=_said(headers, "sequenceNumber"),
        content_type=_said(headers, "contentType"),
    )


def _said(headers: dict[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return value[1:-1] if quoted else value
