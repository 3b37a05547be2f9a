"""The marks of Watermill's poison-queue middleware (message/router/middleware/poison.go)."""

from brokers.dialects.named import Named

DIALECT = Named(
    name="watermill",
    certain=("reason_poisoned",),
    names=("topic_poisoned", "handler_poisoned", "subscriber_poisoned"),
    consumer="handler_poisoned",
    topic="topic_poisoned",
    error_message="reason_poisoned",
)
