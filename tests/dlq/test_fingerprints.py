"""One cause is one group: what varies from death to death is no part of it."""

import pytest

from dlq.fingerprints import fingerprint, normalise
from dlq.stacks import frames, top_own_frame

PYTHON = """Traceback (most recent call last):
  File "/srv/.venv/lib/python3.11/site-packages/cascade_client/consumer.py", line 97, in handle
    self.handler(event)
  File "/srv/shop/payment/consumers.py", line 41, in on_order_placed
    amount = order_amount(event.data)
  File "/srv/shop/payment/capture.py", line 88, in order_amount
    return Money(data["total"], data["currency"])
                                ~~~~^^^^^^^^^^^^
  File "/usr/lib/python3.11/collections/__init__.py", line 1015, in __getitem__
KeyError: 'currency'
"""
JAVA = """com.shop.PaymentException: declined
\tat org.springframework.web.Client.call(Client.java:10)
\tat com.shop.payment.Capture.orderAmount(Capture.java:88)
\tat com.shop.payment.Consumer.onOrder(Consumer.java:41)
"""


def _key(**changes: str) -> str:
    death = {
        "broker": "shop",
        "consumer": "payment",
        "error_type": "KeyError",
        "message": "'currency'",
        "stack": PYTHON,
    }
    return fingerprint(**{**death, **changes}).key


@pytest.mark.parametrize(
    ("message", "normal"),
    [
        ("'currency'", "'currency'"),
        ("order 4711 has 3 items", "order <n> has <n> items"),
        ("timeout after 1.5s", "timeout after <n>s"),
        ("no event 0198bd4e-6f31-7c02-9a41-3d0e7b12c9f4", "no event <id>"),
        ("key 'order:4711' not found", "key '<value>' not found"),
        ('unknown sku "MUG-BLU 2"', 'unknown sku "<value>"'),
        ("mail to ann.b@shop.example failed", "mail to <mail> failed"),
        ("at 2026-08-18T12:23:04.098Z too late", "at <time> too late"),
        ("connect 10.0.0.12:6379 refused", "connect <address> refused"),
        ("GET https://psp.example/v1/pay?id=9 gave 503", "GET <url> gave <n>"),
        ("digest deadbeef01 differs", "digest <hex> differs"),
        ("customer c-20931", "customer c-<n>"),
        ("two\n  lines", "two lines"),
        ("", ""),
    ],
)
def test_values_become_placeholders_and_names_stay(message: str, normal: str) -> None:
    assert normalise(message) == normal


def test_normalising_twice_changes_nothing() -> None:
    text = "order 4711 'x y' 0198bd4e-6f31-7c02-9a41-3d0e7b12c9f4"
    assert normalise(normalise(text)) == normalise(text)


def test_a_long_message_is_cut_to_the_column() -> None:
    assert len(normalise("word " * 1000)) <= 500


def test_the_top_own_frame_is_the_one_nearest_to_the_error() -> None:
    python, java = top_own_frame(PYTHON), top_own_frame(JAVA)
    assert python is not None
    assert (python.place, python.function) == ("payment/capture.py:88", "order_amount")
    assert python.code == 'return Money(data["total"], data["currency"])'
    assert java is not None
    assert java.function == "Capture.orderAmount"


def test_library_frames_are_told_from_own_ones() -> None:
    assert [frame.own for frame in frames(PYTHON)] == [False, True, True, False]


def test_a_text_that_is_no_stack_has_no_frames() -> None:
    assert frames("<html>502 Bad Gateway</html>") == []


def test_the_same_cause_on_another_line_or_host_is_the_same_group() -> None:
    moved = PYTHON.replace("line 88", "line 92").replace("/srv/shop", "/app/releases/9")
    assert _key(stack=moved) == _key()


@pytest.mark.parametrize(
    "change",
    [
        {"consumer": "inventory"},
        {"broker": "other"},
        {"error_type": "ValueError"},
        {"message": "'total'"},
        {"stack": PYTHON.replace("in order_amount", "in refund")},
    ],
)
def test_another_cause_is_another_group(change: dict[str, str]) -> None:
    assert _key(**change) != _key()


def test_the_key_bears_the_version_of_the_rules() -> None:
    assert _key().startswith("1:")


def test_parts_cannot_run_into_each_other() -> None:
    assert _key(error_type="A", message="B") != _key(error_type="AB", message="")
