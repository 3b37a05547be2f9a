"""The marks of Spring: AMQP's recoverer, Kafka's dead-letter and retry topics, Cloud Stream.

Names are those of RepublishMessageRecoverer (Spring AMQP), KafkaHeaders and RetryTopicHeaders
(Spring for Apache Kafka) and the Kafka binder of Spring Cloud Stream. Numbers are big-endian
bytes.
"""

from brokers.dialects.named import Named

_EXCEPTION = ("x-exception-message", "x-exception-stacktrace")
_DLT = "kafka_dlt-"
_RETRY = "retry_topic-"

AMQP = Named(
    name="spring-amqp",
    certain=("x-original-routingKey",),
    names=("x-original-exchange", *_EXCEPTION),
    error_message=_EXCEPTION[0],
    error_stack=_EXCEPTION[1],
)
DEAD_LETTER_TOPIC = Named(
    name="spring-kafka",
    certain=(f"{_DLT}exception-fqcn", f"{_DLT}original-topic"),
    prefixes=(_DLT, _RETRY),
    consumer=f"{_DLT}original-consumer-group",
    topic=f"{_DLT}original-topic",
    partition=f"{_DLT}original-partition",
    position=f"{_DLT}original-offset",
    attempts=f"{_RETRY}attempts",
    error_type=f"{_DLT}exception-fqcn",
    error_message=f"{_DLT}exception-message",
    error_stack=f"{_DLT}exception-stacktrace",
)
RETRY_TOPIC = Named(
    name="spring-kafka-retry",
    certain=("kafka_exception-fqcn", "kafka_original-topic"),
    prefixes=("kafka_original-", "kafka_exception-", _RETRY),
    topic="kafka_original-topic",
    partition="kafka_original-partition",
    position="kafka_original-offset",
    attempts=f"{_RETRY}attempts",
    error_type="kafka_exception-fqcn",
    error_message="kafka_exception-message",
    error_stack="kafka_exception-stacktrace",
)
CLOUD_STREAM = Named(
    name="spring-cloud-stream",
    certain=("x-original-topic", "x-exception-fqcn"),
    names=(
        *_EXCEPTION,
        "x-original-partition",
        "x-original-offset",
        "x-original-timestamp",
        "x-original-timestamp-type",
    ),
    topic="x-original-topic",
    partition="x-original-partition",
    position="x-original-offset",
    error_type="x-exception-fqcn",
    error_message=_EXCEPTION[0],
    error_stack=_EXCEPTION[1],
)
DIALECTS = (AMQP, DEAD_LETTER_TOPIC, RETRY_TOPIC, CLOUD_STREAM)
