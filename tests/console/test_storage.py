"""Storage: the report, its command, page, API and metrics; and a database made to shrink."""

import io
import json
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kit.limits import MIB
from kit.models import ApiToken, User
from tests.tracing.arriving import event, take
from tests.tracing.keeping import aged, configured, order, summarised, sweep
from tracing.models import StorageSample, Sweep
from tracing.retention import metrics, report, room, samples, tables
from tracing.retention.report import Report
from tracing.retention.room import Room

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def sample(before: timedelta, used: int, rows: int = 0) -> None:
    StorageSample.objects.create(
        at=NOW - before, used_bytes=used, file_bytes=used, tables={"tracing_event": [rows, used]}
    )


def found(monkeypatch: pytest.MonkeyPatch, used: int, **retention: Any) -> Report:
    monkeypatch.setattr(report, "room", lambda: Room(used, used, None))
    monkeypatch.setattr(report, "_disk_free", lambda: 1_000 * MIB)
    with configured(**retention):
        return report.report(NOW)


def test_growth_and_days_left(monkeypatch: pytest.MonkeyPatch) -> None:
    sample(2 * DAY, 10 * MIB)
    sample(DAY, 50 * MIB)
    sample(timedelta(minutes=30), 140 * MIB)
    now = found(monkeypatch, 150 * MIB)
    assert now.growth == pytest.approx(100 * MIB)
    assert now.days_left == pytest.approx(10)  # until the disk is full
    now = found(monkeypatch, 150 * MIB, max_size="350MiB")
    assert now.days_left == pytest.approx(2)


def test_what_is_not_known_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, MIB).growth is None
    sample(timedelta(minutes=30), MIB)
    assert found(monkeypatch, 2 * MIB).days_left is None  # half an hour tells nothing
    sample(2 * timedelta(hours=1), 3 * MIB)
    now = found(monkeypatch, 2 * MIB)
    assert (now.growth or 0) < 0  # it shrinks
    assert now.days_left is None


def test_a_table_is_estimated_from_a_few_places() -> None:
    order(1)
    for start in range(0, 4_000, 500):
        # of random text, which PostgreSQL does not press together
        bodies = [{"order_id": 1, "text": token_hex(1_500)} for _ in range(500)]
        take(*(event(f"e{start + n}", start + n, body=body) for n, body in enumerate(bodies)))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tracing_event")
    size = room.room()
    measured = tables.measure(size.used)
    assert measured["tracing_flow"].rows in (0, 1)  # PostgreSQL: nothing is committed
    assert measured["tracing_event"].bytes > 0.5 * sum(one.bytes for one in measured.values())
    if connection.vendor == "sqlite":
        assert measured["tracing_event"].rows == pytest.approx(4_001, rel=0.05)
        assert sum(one.bytes for one in measured.values()) == pytest.approx(size.used, rel=0.01)


def test_used_is_estimated_from_how_full_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on PostgreSQL, where a file never shrinks."""
    sample(DAY, 100 * MIB, rows=100_000)  # when it was fullest
    sample(2 * DAY, 50 * MIB, rows=40_000)
    each = room._per_event(100 * MIB, 10_000)  # nine tenths were deleted since
    assert each == pytest.approx(100 * MIB / 100_000)
    monkeypatch.setattr(room, "DENSITY_OF", timedelta(0))
    assert room._per_event(100 * MIB, 10) is None  # too few to tell


@pytest.fixture
def cut(client: Client) -> Client:
    """Something was deleted, something is left; a person who may read looks."""
    order(1, "OrderShipped")
    order(2)
    summarised()
    with configured(events="30d", receipts="40d"):
        aged(31 * DAY, NOW, flow_id="flow-1")
        sweep()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


def test_the_command(cut: Client) -> None:
    out = io.StringIO()
    call_command("storage", stdout=out)
    text = out.getvalue()
    assert "kind" in text
    assert "events after 30\N{NO-BREAK SPACE}d" in text
    assert "unknown: it is known an hour after the first sample" in text
    out = io.StringIO()
    call_command("storage", "--json", stdout=out)
    answer = json.loads(out.getvalue())
    assert answer["used_bytes"] > 0
    assert answer["retention"][0] == {
        "walk": "events 2592000s",
        "deleted": 2,
        "last_at": answer["retention"][0]["last_at"],
        "behind_s": 0,
    }


def test_what_is_old_is_deleted_at_a_terminal() -> None:
    order(1, "OrderShipped")
    summarised()
    aged(31 * DAY, NOW)
    out = io.StringIO()
    with configured(events="30d", receipts="40d"):
        call_command("retain", "--once", stdout=out)
    assert out.getvalue() == "2\N{NO-BREAK SPACE}rows deleted\n"


def test_the_api_answers_the_same_document(cut: Client) -> None:
    user = User.objects.get(username="viewer")
    token = ApiToken.issue(user, "t", ["read"])[1]
    answer = Client().get("/api/storage", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    with configured():
        said = report.document(report.report(datetime.now(UTC)))
    assert answer.json().keys() == said.keys()
    assert answer.json()["retention"] == said["retention"]
    assert Client().get("/api/storage").status_code == 401


def test_the_page(cut: Client) -> None:
    page = cut.get("/settings/storage").content.decode()
    assert "What takes the room" in page
    assert "events after 30\N{NO-BREAK SPACE}d" in page
    assert "for ever" in page  # nothing is configured here
    with configured(events="30d", types={"Heartbeat": "1d"}, max_size="20GB"):
        page = cut.get("/settings/storage").content.decode()
    assert "<dt>Heartbeat</dt><dd>1d</dd>" in page
    assert "18.6\N{NO-BREAK SPACE}GiB" in page


def test_the_page_before_any_sample(client: Client) -> None:
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    assert "Not measured yet" in client.get("/settings/storage").content.decode()
    assert Client().get("/settings/storage").status_code == 302


def test_the_page_asks_as_many_queries_in_any_store(cut: Client) -> None:
    def queries() -> int:
        cut.get("/settings/storage")
        with CaptureQueriesContext(connection) as asked:
            assert cut.get("/settings/storage").status_code == 200
        return len(asked)

    few = queries()
    for number in range(3, 30):
        order(number)
    for number in range(40):
        sample(timedelta(hours=number), number)
    assert queries() == few


def test_the_metrics(cut: Client) -> None:
    by_name = {family.name: family for family in metrics.families()}
    size = {s.labels["of"]: s.value for s in by_name["cascade_storage_bytes"].samples}
    assert size["used"] > 0
    deleted = {s.labels["walk"]: s.value for s in by_name["cascade_retention_deleted"].samples}
    assert deleted["events 2592000s"] == 2
    (oldest,) = by_name["cascade_storage_oldest_event_timestamp_seconds"].samples
    assert oldest.value == pytest.approx(samples.oldest_event().timestamp())  # type: ignore[union-attr]
    kinds = {s.labels["kind"] for s in by_name["cascade_storage_kind_bytes"].samples}
    assert {"events", "orders"} <= kinds or connection.vendor == "postgresql"


def test_what_is_behind_is_said() -> None:
    order(1)
    summarised()
    aged(33 * DAY, NOW)
    Sweep.objects.create(name="events 2592000s")
    with configured(events="30d"):
        (walked,) = report.report(NOW).walked
    assert walked.behind_s == pytest.approx(3 * 86_400)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("tracing_event", "events"),
        ("tracing_eventwords", "words of payloads"),
        ("tracing_flowkey", "orders"),
        ("dlq_letter", "dead letters and replays"),
        ("kit_user", "other"),
    ],
)
def test_kinds(table: str, kind: str) -> None:
    assert report.kind_of(table) == kind


def test_compact_asks_first_and_is_for_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "no")
    wanted = "nothing was done" if connection.vendor == "sqlite" else "VACUUM FULL"
    err = io.StringIO()
    with pytest.raises(CommandError, match=wanted):
        call_command("storage", "--compact", stderr=err)
    assert connection.vendor != "sqlite" or "Nothing can be written meanwhile" in err.getvalue()
