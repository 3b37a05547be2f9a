"""A newcomer's first minute: empty directory, one command, everything to be seen; then again."""

from pathlib import Path

import pytest

from tests.support.running import RunningConsole, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
FIRST_LOOK_S = 60  # what a newcomer is promised, counted from `ready:`


def test_an_empty_home_shows_everything_and_a_second_start_finds_it(tmp_path: Path) -> None:
    home = tmp_path / "var"
    with RunningConsole(home) as console:
        assert console.login_link.startswith(console.url)
        assert console.token
        wait_for(lambda: _what_is_missing(console) == [], "the first look", FIRST_LOOK_S)
        yesterday = {flow["correlation_id"] for flow in console.every("cascades")}
    assert yesterday
    with RunningConsole(home) as console:
        today = {flow["correlation_id"] for flow in console.every("cascades")}
        assert yesterday <= today


def _what_is_missing(console: RunningConsole) -> list[str]:
    """What the overview's first minute must show and does not yet."""
    missing = []
    if not console.api("cascades")["items"]:
        missing.append("orders")
    groups = console.api("dead-letter-groups")["items"]
    if not any(group["consumer"] == "payment" for group in groups):
        missing.append("the payment group")
    behind = [row for row in console.api("lag")["items"] if row["consumer"] == "analytics"]
    if not any(row["verdict"] == "falling_behind" for row in behind):
        missing.append("analytics falling behind")
    return missing
