"""The marks of SmallRye Reactive Messaging (Quarkus), KafkaDeadLetterQueue."""

from brokers.dialects.named import Named

_PREFIX = "dead-letter-"

# `cascade_client` writes dead-letter-reason too, so that one alone proves nothing.
DIALECT = Named(
    name="smallrye",
    certain=(f"{_PREFIX}exception-class-name", f"{_PREFIX}topic"),
    names=tuple(
        _PREFIX + name for name in ("cause-class-name", "reason", "cause", "partition", "offset")
    ),
    topic=f"{_PREFIX}topic",
    partition=f"{_PREFIX}partition",
    position=f"{_PREFIX}offset",
    error_type=f"{_PREFIX}exception-class-name",
    error_message=f"{_PREFIX}reason",
)
