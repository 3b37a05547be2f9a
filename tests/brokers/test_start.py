"""`start` of console.toml, parsed strictly."""

from datetime import timedelta

import pytest

from brokers.config import BrokerConfig, Config, ConfigError, load
from brokers.start import Start, parse


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("1000 entries", Start(entries=1000)),
        ("1 entry", Start(entries=1)),
        ("100000 entries", Start(entries=100_000)),
        ("90s", Start(ago=timedelta(seconds=90))),
        ("30m", Start(ago=timedelta(minutes=30))),
        ("1h", Start(ago=timedelta(hours=1))),
        ("7d", Start(ago=timedelta(days=7))),
        ("all", Start()),
        ("now", Start(entries=0)),
    ],
)
def test_a_start(text: str, start: Start) -> None:
    assert parse(text) == start


@pytest.mark.parametrize(
    "text",
    ["", "1000", "0 entries", "100001 entries", "-1h", "0s", "1 h", "1w", "All", "99999d", "1h30m"],
)
def test_no_start(text: str) -> None:
    with pytest.raises(ValueError, match="is no start; for example"):
        parse(text)


def read(tmp_path: object, line: str) -> Config:
    path = tmp_path / "console.toml"  # type: ignore[operator]
    path.write_text(f"[[brokers]]\nname = 'a'\nurl = 'redis://x'\n{line}")
    return load(path, None, {})


def test_of_a_broker(tmp_path: object) -> None:
    assert read(tmp_path, "").brokers[0].start == "1000 entries"
    assert read(tmp_path, "start = '1h'").brokers[0].start == "1h"
    assert read(tmp_path, "tap = true").brokers[0].start == ""
    assert load(None, "redis://x", {}).brokers[0].start == "1000 entries"
    assert BrokerConfig("a", "redis://x").start == ""
    with pytest.raises(ConfigError, match=r"brokers\[0\].start: 'tomorrow' is no start"):
        read(tmp_path, "start = 'tomorrow'")
    with pytest.raises(ConfigError, match="with tap = true every stream is read from its first"):
        read(tmp_path, "tap = true\nstart = 'all'")
