"""Names on the wire: fields of a Redis stream entry, streams, and the hashes beside them."""

import hashlib
from typing import Final

ATTRIBUTE_PREFIX: Final = "ce-"
SPECVERSION: Final = "ce-specversion"
ID: Final = "ce-id"
SOURCE: Final = "ce-source"
TYPE: Final = "ce-type"
TIME: Final = "ce-time"
SUBJECT: Final = "ce-subject"
CORRELATION_ID: Final = "ce-correlationid"
CAUSATION_ID: Final = "ce-causationid"
CAUSATION_IDS: Final = "ce-causationids"
PARTITION_KEY: Final = "ce-partitionkey"
SEQUENCE: Final = "ce-sequence"
TRACEPARENT: Final = "ce-traceparent"
TRACESTATE: Final = "ce-tracestate"
DATASCHEMA: Final = "ce-dataschema"
CONTENT_TYPE: Final = "content-type"
DATA: Final = "data"

# Stamps of a replay; no handler's events ever carry them on.
ATTEMPT: Final = "cascadeattempt"
TARGET: Final = "cascadetarget"
STAMPS: Final = (ATTEMPT, TARGET)

DEAD_LETTER_PREFIX: Final = "dead-letter-"
DEAD_LETTER_CONSUMER: Final = "dead-letter-consumer"
DEAD_LETTER_STREAM: Final = "dead-letter-stream"
DEAD_LETTER_POSITION: Final = "dead-letter-position"
DEAD_LETTER_ATTEMPTS: Final = "dead-letter-attempts"
DEAD_LETTER_REASON: Final = "dead-letter-reason"
DEAD_LETTER_TIME: Final = "dead-letter-time"
DEAD_LETTER_PROCESS: Final = "dead-letter-process"
DEAD_LETTER_RELEASE: Final = "dead-letter-release"
DEAD_LETTER_ERROR_TYPE: Final = "dead-letter-error-type"
DEAD_LETTER_ERROR_MESSAGE: Final = "dead-letter-error-message"
DEAD_LETTER_ERROR_STACK: Final = "dead-letter-error-stack"
DEAD_LETTER_FIELDS: Final = (
    DEAD_LETTER_CONSUMER,
    DEAD_LETTER_STREAM,
    DEAD_LETTER_POSITION,
    DEAD_LETTER_ATTEMPTS,
    DEAD_LETTER_REASON,
    DEAD_LETTER_TIME,
    DEAD_LETTER_PROCESS,
    DEAD_LETTER_RELEASE,
    DEAD_LETTER_ERROR_TYPE,
    DEAD_LETTER_ERROR_MESSAGE,
    DEAD_LETTER_ERROR_STACK,
)
REASON_ATTEMPTS: Final = "attempts"  # every try failed
REASON_PERMANENT: Final = "permanent"  # the handler said that no try can help
REASON_MALFORMED: Final = "malformed"  # it could not be read, no handler saw it

RECEIPTS: Final = "cascade.receipts"  # the stream
RECEIPT_TYPE: Final = "cascade.receipt.v1"

RECLAIMS: Final = "cascade:reclaims"  # "<stream>|<consumer>" -> unix ms of the last round
HONOURS_MARK: Final = "cascade:honours-mark"  # consumer -> unix ms
REPLAYS: Final = "cascade:replays"  # "<stream>|<position>|<consumer>" -> replay attempt
FENCES: Final = "cascade:fences"  # "<stream>|<consumer>" -> the newest owner's token


def identity(source: str, event_id: str) -> bytes:
    """The 16 bytes that stand for an event: BLAKE2b of source, NUL, ID."""
    return hashlib.blake2b(f"{source}\0{event_id}".encode(), digest_size=16).digest()


def stream_name(topic: str, partition: int) -> str:
    """One partition of a topic: `orders`, 2 -> `orders.2`."""
    return f"{topic}.{partition}"


def topic_of(stream: str) -> str:
    """The topic a stream belongs to: `orders.2` -> `orders`."""
    return stream.rpartition(".")[0]


def dead_letter_stream(topic: str, consumer: str) -> str:
    """The dead-letter queue of a consumer: `orders`, `payment` -> `orders.payment.dlq`."""
    return f"{topic}.{consumer}.dlq"
