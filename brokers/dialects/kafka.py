"""The marks of Apache Kafka's own parts: Connect, Streams, share groups.

Connect never overwrites its headers: left on, a second death would show the first one's origin.
Names are those of DeadLetterQueueReporter (Connect, KIP-298), of Streams (KIP-1034) and of the
dead-letter queues of share groups (KIP-1191).
"""

from brokers.dialects.named import Named

_CONNECT = "__connect.errors."
_STREAMS = "__streams.errors."
_SHARE = "__dlq.errors."

CONNECT = Named(
    name="kafka-connect",
    certain=(f"{_CONNECT}exception.class.name", f"{_CONNECT}connector.name"),
    prefixes=(_CONNECT,),
    consumer=f"{_CONNECT}connector.name",
    topic=f"{_CONNECT}topic",
    partition=f"{_CONNECT}partition",
    position=f"{_CONNECT}offset",
    reason=f"{_CONNECT}stage",
    error_type=f"{_CONNECT}exception.class.name",
    error_message=f"{_CONNECT}exception.message",
    error_stack=f"{_CONNECT}exception.stacktrace",
)
STREAMS = Named(
    name="kafka-streams",
    certain=(f"{_STREAMS}exception",),
    prefixes=(_STREAMS,),
    topic=f"{_STREAMS}topic",
    partition=f"{_STREAMS}partition",
    position=f"{_STREAMS}offset",
    error_type=f"{_STREAMS}exception",
    error_message=f"{_STREAMS}message",
    error_stack=f"{_STREAMS}stacktrace",
)
SHARE_GROUP = Named(
    name="kafka-share-group",
    certain=(f"{_SHARE}group", f"{_SHARE}topic"),
    prefixes=(_SHARE,),
    consumer=f"{_SHARE}group",
    topic=f"{_SHARE}topic",
    partition=f"{_SHARE}partition",
    position=f"{_SHARE}offset",
    attempts=f"{_SHARE}delivery.count",
    error_message=f"{_SHARE}message",
)
DIALECTS = (CONNECT, STREAMS, SHARE_GROUP)
