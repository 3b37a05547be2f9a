"""Marks as frameworks write them, and what they are read to: name, marks, fields of the letter."""

from datetime import UTC, datetime

from tests.brokers.marks_of_others import OTHERS, Case


def as_text(raw: bytes) -> str:
    """A header's bytes as an entry of a broker has them."""
    return raw.decode("utf-8", "backslashreplace")


JVM_AND_BROKERS: list[Case] = [
    (
        "cascade",
        {
            "dead-letter-consumer": "payment",
            "dead-letter-stream": "orders.2",
            "dead-letter-position": "1-0",
            "dead-letter-attempts": "5",
            "dead-letter-reason": "attempts",
            "dead-letter-time": "2026-08-18T14:02:11Z",
            "dead-letter-error-type": "KeyError",
        },
        {
            "consumer": "payment",
            "stream": "orders.2",
            "position": "1-0",
            "attempts": 5,
            "reason": "attempts",
            "died_at": datetime(2026, 8, 18, 14, 2, 11, tzinfo=UTC),
            "error_type": "KeyError",
            "evidence": "dead-letter-reason: attempts",
        },
    ),
    (
        "rabbitmq",
        {
            "x-death": '[{"queue":"orders.payment","reason":"rejected","count":3,'
            '"time":1787061731,"exchange":"orders","routing-keys":["new"]},'
            '{"queue":"orders.wait","reason":"expired","count":2}]',
            "x-first-death-queue": "orders.wait",
            "x-last-death-reason": "rejected",
        },
        {
            "consumer": "orders.payment",
            "stream": "orders.payment",
            "attempts": 3,
            "reason": "rejected",
            "died_at": datetime.fromtimestamp(1787061731, UTC),
            "evidence": "x-death: rejected × 3 in orders.payment",
        },
    ),
    (
        "rabbitmq",
        {
            "x-opt-deaths": '[{"queue":"q","reason":"delivery_limit","count":1,'
            '"last-time":"2026-08-18T14:02:11+02:00"}]',
            "x-delivery-count": "20",
        },
        {
            "attempts": 20,
            "reason": "delivery_limit",
            "died_at": datetime(2026, 8, 18, 12, 2, 11, tzinfo=UTC),
        },
    ),
    (
        "rabbitmq",
        {"x-death": '[{"queue":"q","reason":"expired","count":4}]'},
        {"attempts": None, "reason": "expired", "evidence": "x-death: expired × 4 in q"},
    ),
    (
        "rabbitmq",
        {"x-death": "AMQP table"},
        {"attempts": None, "stream": "", "evidence": "x-death"},
    ),
    (
        "spring-amqp",
        {
            "x-original-exchange": "orders",
            "x-original-routingKey": "order.new",
            "x-exception-message": "no stock",
            "x-exception-stacktrace": "java.lang.IllegalStateException: no stock",
        },
        {
            "error_message": "no stock",
            "error_stack": "java.lang.IllegalStateException: no stock",
            "evidence": "x-original-routingKey: order.new",
        },
    ),
    (
        "spring-kafka",
        {
            "kafka_dlt-original-topic": "orders",
            "kafka_dlt-original-partition": as_text(b"\x00\x00\x00\x03"),
            "kafka_dlt-original-offset": as_text((41_234_567_891).to_bytes(8, "big")),
            "kafka_dlt-original-timestamp": as_text((1787061731000).to_bytes(8, "big")),
            "kafka_dlt-original-timestamp-type": "CreateTime",
            "kafka_dlt-original-consumer-group": "payment",
            "kafka_dlt-exception-fqcn": "java.lang.IllegalStateException",
            "kafka_dlt-exception-cause-fqcn": "java.io.IOException",
            "kafka_dlt-exception-message": "no currency",
            "kafka_dlt-exception-stacktrace": "at shop.Payment.capture",
            "retry_topic-attempts": as_text(b"\x00\x00\x00\x04"),
        },
        {
            "consumer": "payment",
            "stream": "orders.3",
            "position": "41234567891",
            "attempts": 4,
            "error_type": "java.lang.IllegalStateException",
            "error_message": "no currency",
            "error_stack": "at shop.Payment.capture",
            "evidence": "kafka_dlt-exception-fqcn: java.lang.IllegalStateException",
        },
    ),
    (
        "spring-kafka-retry",
        {
            "kafka_original-topic": "orders",
            "kafka_original-partition": as_text(b"\x00\x00\x00\x80"),
            "kafka_exception-fqcn": "x.Y",
            "retry_topic-backoff-timestamp": "1",
        },
        {"stream": "orders.128", "position": "", "error_type": "x.Y"},
    ),
    (
        "spring-cloud-stream",
        {
            "x-original-topic": "orders",
            "x-original-partition": as_text(b"\x00\x00\x00\x00"),
            "x-original-offset": as_text(b"\x00" * 7 + b"\xff"),
            "x-exception-fqcn": "x.Y",
            "x-exception-message": "boom",
            "x-exception-stacktrace": "at x",
        },
        {"stream": "orders.0", "position": "255", "error_type": "x.Y", "error_message": "boom"},
    ),
    (
        "kafka-connect",
        {
            "__connect.errors.topic": "orders",
            "__connect.errors.partition": "2",
            "__connect.errors.offset": "17",
            "__connect.errors.connector.name": "orders-to-s3",
            "__connect.errors.task.id": "0",
            "__connect.errors.stage": "VALUE_CONVERTER",
            "__connect.errors.exception.class.name": "DataException",
            "__connect.errors.exception.message": "bad schema",
        },
        {
            "consumer": "orders-to-s3",
            "stream": "orders.2",
            "position": "17",
            "reason": "VALUE_CONVERTER",
            "error_type": "DataException",
            "error_message": "bad schema",
        },
    ),
    (
        "kafka-streams",
        {
            "__streams.errors.exception": "x.Y",
            "__streams.errors.message": "boom",
            "__streams.errors.topic": "orders",
            "__streams.errors.partition": "0",
            "__streams.errors.offset": "3",
        },
        {"stream": "orders.0", "position": "3", "error_type": "x.Y", "error_message": "boom"},
    ),
    (
        "kafka-share-group",
        {
            "__dlq.errors.topic": "orders",
            "__dlq.errors.partition": "1",
            "__dlq.errors.offset": "9",
            "__dlq.errors.group": "payment",
            "__dlq.errors.delivery.count": "5",
            "__dlq.errors.message": "delivery limit",
        },
        {"consumer": "payment", "stream": "orders.1", "position": "9", "attempts": 5},
    ),
]

CASES = [*JVM_AND_BROKERS, *OTHERS]
