"""`[retention]` of console.toml: ages and sizes, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from brokers.config import Config, ConfigError, load
from brokers.retention import Retention, age, size


def read(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "console.toml"
    path.write_text(f"[retention]\n{text}\n")
    return load(path, None, {})


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15m", 900), ("2h", 7200), ("30d", 2_592_000), ("1w", 604800)]
)
def test_ages(text: str, seconds: int) -> None:
    assert age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "number"),
    [("64KiB", 65_536), ("20GB", 20 * 10**9), ("1TiB", 2**40), ("500MB", 5 * 10**8)],
)
def test_sizes(text: str, number: int) -> None:
    assert size(text) == number


def test_a_whole_one(tmp_path: Path) -> None:
    text = 'events = "30d"\nmax_size = "20GB"\nsummaries = "180d"\nspans = "7d"\n'
    found = read(tmp_path, text + 'types = { "Heartbeat" = "1d" }').retention
    assert found.on
    assert found.max_bytes == 20 * 10**9
    assert found.of_type("Heartbeat") == timedelta(days=1)
    assert found.of_type("OrderPlaced") == timedelta(days=30)
    assert found.age_of("spans") == timedelta(days=7)
    assert found.age_of("malformed") == timedelta(days=30)  # as events


def test_nothing_said_is_nothing_deleted() -> None:
    nothing = Retention()
    assert not nothing.on
    assert nothing.of_type("OrderPlaced") is None
    assert nothing.age_of("receipts") is None
    assert nothing.large_payload_bytes == 64 * 1024


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('events = "30 days"', "retention.events"),
        ('events = "0d"', "retention.events"),
        ("events = 30", "retention.events"),
        ('max_size = "20"', "retention.max_size"),
        ('evnts = "30d"', "evnts"),
        ('types = { "" = "1d" }', "retention.types"),
        ('events = "30d"\nsummaries = "7d"', "retention.summaries: shorter"),
        ('summaries = "7d"\ntypes = { "T" = "8d" }', "retention.summaries: shorter"),
        ('large_payload = "2MiB"', "retention.large_payload: must be"),
        ('large_payload = "1KB"', "retention.large_payload: must be"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, text)
