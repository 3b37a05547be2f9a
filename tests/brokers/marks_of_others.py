"""Marks of frameworks outside the JVM, as in marks_of_dead_letters.py."""

from datetime import UTC, datetime
from typing import Any

Case = tuple[str, dict[str, str], dict[str, Any]]

OTHERS: list[Case] = [
    (
        "smallrye",
        {
            "dead-letter-exception-class-name": "x.Y",
            "dead-letter-cause-class-name": "x.Z",
            "dead-letter-reason": "no currency",
            "dead-letter-topic": "orders",
            "dead-letter-partition": "1",
            "dead-letter-offset": "8",
        },
        {
            "stream": "orders.1",
            "position": "8",
            "error_type": "x.Y",
            "error_message": "no currency",
            "reason": "",
        },
    ),
    (
        "karafka",
        {
            "source_topic": "orders",
            "source_partition": "1",
            "source_offset": "8",
            "source_consumer_group": "payment",
            "source_attempts": "3",
        },
        {"consumer": "payment", "stream": "orders.1", "position": "8", "attempts": 3},
    ),
    (
        "karafka-before-2.5",
        {"original_topic": "orders", "original_consumer_group": "payment"},
        {"consumer": "payment", "stream": "orders"},
    ),
    (
        "watermill",
        {
            "reason_poisoned": "no currency",
            "topic_poisoned": "orders",
            "handler_poisoned": "payment",
            "subscriber_poisoned": "redisstream.Subscriber",
        },
        {"consumer": "payment", "stream": "orders", "error_message": "no currency"},
    ),
    (
        "masstransit",
        {
            "MT-Reason": "fault",
            "MT-Fault-ExceptionType": "System.InvalidOperationException",
            "MT-Fault-InputAddress": "rabbitmq://broker.internal/shop/payment?bind=true",
            "MT-Fault-Message": "no currency",
            "MT-Fault-ConsumerType": "Shop.PaymentConsumer",
            "MT-Fault-Timestamp": "2026-08-18T14:02:11.1234567Z",
            "MT-Fault-StackTrace": "at Shop",
            "MT-Fault-RetryCount": "2",
            "MT-Host-MachineName": "host",
        },
        {
            "consumer": "Shop.PaymentConsumer",
            "stream": "payment",
            "attempts": 3,
            "reason": "fault",
            "died_at": datetime(2026, 8, 18, 14, 2, 11, 123456, tzinfo=UTC),
            "error_type": "System.InvalidOperationException",
            "error_message": "no currency",
        },
    ),
    (
        "masstransit",
        {"MT-Reason": "skipped", "MT-Fault-InputAddress": "//[x"},
        {"reason": "skipped", "stream": "", "consumer": "", "evidence": "MT-Reason: skipped"},
    ),
    (
        "nservicebus",
        {
            "NServiceBus.FailedQ": "payment@HOST-1",
            "NServiceBus.TimeOfFailure": "2026-08-18 14:02:11:523000 Z",
            "NServiceBus.Retries": "3",
            "NServiceBus.Retries.Timestamp": "2026-08-18 14:02:10:000000 Z",
            "NServiceBus.ExceptionInfo.ExceptionType": "System.Exception",
            "NServiceBus.ExceptionInfo.Message": "no currency",
            "NServiceBus.ExceptionInfo.StackTrace": "at Shop",
            "NServiceBus.ExceptionInfo.Data.Order": "4711",
        },
        {
            "consumer": "payment",
            "stream": "payment",
            "attempts": 4,
            "died_at": datetime(2026, 8, 18, 14, 2, 11, 523000, tzinfo=UTC),
            "error_type": "System.Exception",
            "error_message": "no currency",
            "evidence": "NServiceBus.FailedQ: payment@HOST-1",
        },
    ),
    (
        "rebus",
        {
            "rbs2-source-queue": "payment",
            "rbs2-error-details": "System.Exception: no currency\n   at Shop.Pay()",
            "rbs2-delivery-count": "5",
        },
        {
            "consumer": "payment",
            "stream": "payment",
            "attempts": 5,
            "error_type": "System.Exception",
            "error_message": "no currency",
        },
    ),
    (
        "rebus",
        {"rbs2-error-details": "5 unhandled exceptions"},
        {"error_type": "", "error_message": "5 unhandled exceptions"},
    ),
    (
        "eventbridge",
        {
            "RULE_ARN": "arn:aws:events:eu-west-1:1:rule/orders",
            "TARGET_ARN": "arn:aws:lambda:eu-west-1:1:function:payment",
            "ERROR_CODE": "NO_PERMISSIONS",
            "ERROR_MESSAGE": "not allowed",
            "RETRY_ATTEMPTS": "0",
        },
        {
            "consumer": "arn:aws:lambda:eu-west-1:1:function:payment",
            "attempts": 0,
            "reason": "",
            "error_type": "NO_PERMISSIONS",
        },
    ),
    (
        "lambda",
        {"RequestID": "r-1", "ErrorCode": "200", "ErrorMessage": "no currency"},
        {"error_type": "200", "error_message": "no currency", "evidence": "ErrorCode: 200"},
    ),
    (
        "sqs",
        {
            "DeadLetterQueueSourceArn": "arn:aws:sqs:eu-west-1:1:payment",
            "ApproximateReceiveCount": "6",
            "ApproximateFirstReceiveTimestamp": "1787061731000",
            "SentTimestamp": "1787061730000",
        },
        {
            "consumer": "payment",
            "stream": "payment",
            "attempts": 6,
            "reason": "maxReceiveCount",
            "evidence": "DeadLetterQueueSourceArn: payment, ApproximateReceiveCount 6",
        },
    ),
]
