"""A rate with a burst, at moments that are told."""

from kit import pace
from kit.pace import Pace


def test_a_burst_then_the_rate() -> None:
    sender = Pace(per_s=10, burst=20)
    assert sender.wait("a", 0.0) <= 0
    sender.spend("a", 20, 0.0)
    assert sender.wait("a", 0.0) <= 0
    sender.spend("a", 1, 0.0)
    assert round(sender.wait("a", 0.0), 6) == 0.1
    assert sender.wait("a", 0.2) <= 0
    assert sender.wait("b", 0.0) <= 0  # another one's business


def test_a_batch_may_overdraw_and_waits_the_longer() -> None:
    sender = Pace(per_s=10, burst=20)
    sender.spend("a", 1_000, 5.0)
    assert sender.wait("a", 5.0) == 98
    assert sender.wait("a", 103.0) <= 0


def test_what_was_not_used_is_not_saved_up() -> None:
    sender = Pace(per_s=10, burst=20)
    sender.spend("a", 1, 0.0)
    sender.spend("a", 30, 1_000.0)
    assert round(sender.wait("a", 1_000.0), 6) == 1


def test_senders_that_owe_nothing_are_forgotten() -> None:
    sender = Pace(per_s=1, burst=1)
    for number in range(pace.KEPT):
        sender.spend(number, 1, 0.0)
    sender.spend("owes", 100, 0.5)
    assert len(sender._used_until) == pace.KEPT + 1
    sender.spend("new", 1, 10.0)
    assert set(sender._used_until) == {"owes", "new"}
