"""How numbers and times are written (docs/ui.md); the no-break space is shown as `_` here."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kit import formats

NOW = datetime(2026, 8, 18, 14, 36, 20, tzinfo=UTC)


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", "_")


@pytest.mark.parametrize(
    ("number", "flags", "text"),
    [
        (0, {}, "0"),
        (12430, {}, "12,430"),
        (10_000, {"bounded": True}, "≥_10,000"),
        (10_000, {"estimated": True}, "10,000+"),
        (None, {"bounded": True}, "unknown"),
    ],
)
def test_counts(number: int | None, flags: dict[str, bool], text: str) -> None:
    assert _plain(formats.count(number, **flags)) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("12430.20"), "EUR", "EUR_12,430"),
        (Decimal("89.9"), "EUR", "EUR_89.90"),
        (Decimal("999.99"), "", "999.99"),
        (Decimal("-1500"), "USD", "USD_-1,500"),
        (Decimal("0"), "EUR", "EUR_0.00"),
        (None, "EUR", "unknown"),
    ],
)
def test_money(amount: Decimal | None, currency: str, text: str) -> None:
    assert _plain(formats.money(amount, currency)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0_ms"),
        (0.088, "88_ms"),
        (0.0999, "0.10_s"),
        (0.74, "0.74_s"),
        (0.999, "1.0_s"),
        (16.1, "16.1_s"),
        (59.99, "1_min"),
        (492, "8_min_12_s"),
        (600, "10_min"),
        (-0.004, "-4_ms"),
        (None, "unknown"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert _plain(formats.duration(seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0_s"),
        (-3, "0_s"),
        (3.9, "3_s"),
        (64, "1_min_4_s"),
        (3_600, "1_h"),
        (18_180, "5_h_3_min"),
        (6 * 86_400 + 23 * 3_600 + 59, "6_d_23_h"),
        (None, "unknown"),
    ],
)
def test_ages(seconds: float | None, text: str) -> None:
    assert _plain(formats.age(seconds)) == text


def test_clock_times_name_the_day_only_when_it_is_another() -> None:
    assert formats.clock_time(NOW, NOW) == "14:36"
    assert _plain(formats.clock_time(NOW - timedelta(days=1), NOW)) == "17_Aug, 14:36"
    assert _plain(formats.clock_time(NOW - timedelta(days=365), NOW)) == "18_Aug 2025, 14:36"
    assert formats.clock_time(None, NOW) == "unknown"


def test_traces_go_to_the_millisecond_and_titles_carry_the_zone() -> None:
    moment = datetime(2026, 8, 18, 14, 23, 4, 112_900, tzinfo=UTC)
    assert formats.trace_time(moment) == "14:23:04.112"
    assert formats.clock_seconds(moment) == "14:23:04"
    assert formats.full_time(moment) == "2026-08-18 14:23:04.112 UTC"


@pytest.mark.parametrize(
    ("back", "text"),
    [(0, "0_s ago"), (59, "59_s ago"), (60, "1_min ago"), (3_599, "59_min ago"), (3_600, "13:36")],
)
def test_relative_times_end_at_an_hour(back: int, text: str) -> None:
    assert _plain(formats.ago(NOW - timedelta(seconds=back), NOW)) == text


def test_a_clock_ahead_of_ours_is_not_in_the_future() -> None:
    assert _plain(formats.ago(NOW + timedelta(seconds=5), NOW)) == "0_s ago"


def test_shares_rates_sizes_ids_and_counted_words() -> None:
    assert _plain(formats.share(0.15)) == "15_%"
    assert _plain(formats.share(2, 187, 1)) == "1.1_%"
    assert formats.share(1, 0) == formats.share(None) == "unknown"
    assert [formats.rate(rate) for rate in (None, 0, 6.3, 6.0, 930.4)] == [
        "unknown",
        "0",
        "6.3",
        "6",
        "930",
    ]
    assert [_plain(formats.size(size)) for size in (1, 412, 1_536, 2 * 1_024**2)] == [
        "1_byte",
        "412_bytes",
        "1.5_KiB",
        "2.0_MiB",
    ]
    assert formats.short_id("0198bd4e-6f31-7c02-9a41-3d0e7b12") == "0198bd4e…7b12"
    assert formats.short_id("4711") == "4711"
    assert _plain(formats.plural(1, "letter")) == "1_letter"
    assert _plain(formats.plural(2, "copy", "copies")) == "2_copies"
