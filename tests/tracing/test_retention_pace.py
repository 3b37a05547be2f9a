"""How long retention rests, and when it is too far behind to be polite."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from tests.tracing.keeping import aged, configured, flow, left, order, summarised
from tracing.retention import keeping, loop, room
from tracing.retention.loop import Sweeper
from tracing.retention.pace import LONGEST_S, pause

NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("busy", "pressed", "share"),
    [(True, False, 0.06), (True, True, 0.3), (False, False, 0.5), (False, True, 0.5)],
)
def test_the_share_of_the_time(busy: bool, pressed: bool, share: float) -> None:
    rest = pause(0.03, busy=busy, pressed=pressed)
    assert 0.03 / (0.03 + rest) == pytest.approx(share)


def test_no_rest_is_longer_than_so() -> None:
    assert pause(60, busy=True, pressed=False) == LONGEST_S


@pytest.mark.django_db
class TestSweeper:
    @pytest.fixture(autouse=True)
    def told(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, bool]]:
        """What the sweeper says of each turn: busy, pressed."""
        said: list[tuple[bool, bool]] = []

        def heard(held_s: float, *, busy: bool, pressed: bool) -> float:
            said.append((busy, pressed))
            return 0.0

        monkeypatch.setattr(loop, "pause", heard)
        monkeypatch.setattr(keeping, "_holders", [])
        return said

    def test_it_is_busy_while_events_come_in(self, told: list[tuple[bool, bool]]) -> None:
        sweeper = Sweeper()
        for number in range(3):
            order(number)
        summarised()
        aged(timedelta(days=30, minutes=5), NOW)
        with configured(events="30d", receipts="40d"):
            sweeper.turn()
            order(4)
            summarised()
            aged(timedelta(days=30, minutes=5), NOW, flow_id="flow-4")
            sweeper.turn()
            order(5)
            summarised()
            aged(timedelta(days=30, minutes=5), NOW, flow_id="flow-5")
            sweeper.turn()
        assert told == [(True, False)] * 3

    @pytest.mark.parametrize(("late", "pressed"), [(timedelta(hours=2), False), (2, True)])
    def test_it_presses_when_it_is_far_behind(
        self, told: list[tuple[bool, bool]], late: timedelta | int, pressed: bool
    ) -> None:
        """A twentieth of 30 days is a day and a half."""
        order(1)
        summarised()
        late = late if isinstance(late, timedelta) else timedelta(days=late)
        aged(timedelta(days=30) + late, NOW)
        with configured(events="30d", receipts="40d"):
            Sweeper().turn()
        assert told == [(True, pressed)]

    def test_it_presses_past_the_size(
        self, told: list[tuple[bool, bool]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order(1)
        summarised()
        aged(timedelta(days=1), NOW)
        monkeypatch.setattr(room, "excess", lambda _: 1)
        with configured(max_size="1MB"):
            Sweeper().turn()
        assert told == [(True, True)]
        assert left() == set()
        assert flow(1).truncated_before is not None


def test_away_from_its_database_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([OperationalError("lock timeout"), SystemExit()])

    def turn(_: Sweeper) -> None:
        raise next(turns)

    class Stop:
        waited: list[float] = []

        def is_set(self) -> bool:
            return False

        def wait(self, seconds: float) -> None:
            self.waited.append(seconds)

    monkeypatch.setattr(Sweeper, "turn", turn)
    monkeypatch.setattr("tracing.retention.loop.connection.close", lambda: None)
    with pytest.raises(SystemExit):
        loop.run(Stop())  # type: ignore[arg-type]
    assert Stop.waited == [loop.IDLE_S]
