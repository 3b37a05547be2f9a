"""How large the store is, how it grows, how long it lasts, and what retention did last."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from brokers.config import current
from brokers.retention import Retention
from kit.clock import rfc3339
from kit.formats import age
from tracing.models import Event, StorageSample, Sweep
from tracing.retention.room import Room, room
from tracing.retention.samples import oldest_event
from tracing.retention.walks import SIZE, walks

DAY = timedelta(days=1)
GROWTH_FROM = timedelta(hours=1)  # samples closer to each other do not tell
KINDS = (  # of tables by how their names begin, the first that fits
    ("tracing_eventwords", "words of payloads"),
    ("tracing_event", "events"),
    ("tracing_payload", "large payloads"),
    ("tracing_appearance", "further appearances"),
    ("tracing_receipt", "receipts"),
    ("tracing_span", "spans"),
    ("tracing_malformed", "malformed messages"),
    ("tracing_flow", "orders"),
    ("dlq_", "dead letters and replays"),
    ("lag_", "lag"),
    ("kit_audit", "audit"),
)
OTHER = "other"
NAMES = {SIZE: "beyond max_size", "summaries": "summaries of orders"}  # of walks, in words


@dataclass(frozen=True, slots=True)
class Use:
    """What one kind of rows takes, estimated."""

    kind: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Walked:
    """One walk of retention. `behind_s`: how much older than its age the next row is."""

    name: str  # as in Sweep
    deleted: int
    last_at: datetime | None
    behind_s: float

    @property
    def words(self) -> str:
        """What it deletes: `events after 30 d`."""
        kind, _, seconds = self.name.partition(" ")
        return f"{kind} after {age(int(seconds[:-1]))}" if seconds else NAMES.get(kind, kind)


@dataclass(frozen=True, slots=True)
class Report:
    """The store as of now; None is unknown."""

    room: Room
    limit: int | None  # [retention] max_size
    disk_free: int | None
    growth: float | None  # bytes a day
    oldest_at: datetime | None  # when the oldest event came in
    sampled_at: datetime | None  # when rows and kinds were estimated
    uses: Sequence[Use]
    walked: Sequence[Walked]
    trail: Sequence[StorageSample]  # of the last week, oldest first

    @property
    def left(self) -> int | None:
        """Bytes until the limit, else until the disk is full."""
        if self.limit is not None:
            return max(0, self.limit - self.room.used)
        return self.disk_free

    @property
    def days_left(self) -> float | None:
        """Days until then at this growth; None when it does not grow or is not known."""
        if self.left is None or self.growth is None or self.growth <= 0:
            return None
        return self.left / self.growth


def report(now: datetime) -> Report:
    """What is known without looking through any table."""
    retention = current().retention
    trail = list(StorageSample.objects.filter(at__gte=now - 7 * DAY).order_by("at"))
    newest = trail[-1] if trail else StorageSample.objects.order_by("-at").first()
    size = room()
    return Report(
        room=size,
        limit=retention.max_bytes,
        disk_free=_disk_free(),
        growth=_growth(trail, now, size.used),
        oldest_at=oldest_event(),
        sampled_at=newest.at if newest else None,
        uses=uses(newest.tables if newest else {}),
        walked=_walked(retention, now),
        trail=trail,
    )


def uses(tables: dict[str, list[int]]) -> list[Use]:
    """Tables by kind, the largest first; empty ones are among the others."""
    found: dict[str, list[int]] = {}
    for table, (rows, size) in tables.items():
        sums = found.setdefault(kind_of(table) if rows else OTHER, [0, 0])
        sums[0] += rows if "_flow" not in table or table == "tracing_flow" else 0
        sums[1] += size
    listed = [Use(kind, rows, size) for kind, (rows, size) in found.items() if size]
    return sorted(listed, key=lambda use: (-use.bytes, use.kind))


def kind_of(table: str) -> str:
    """The kind of rows that a table holds."""
    return next((kind for start, kind in KINDS if table.startswith(start)), OTHER)


def document(found: Report) -> dict[str, Any]:
    """As JSON, for the API and the command line."""
    return {
        "used_bytes": found.room.used,
        "file_bytes": found.room.file,
        "log_bytes": found.room.log,
        "max_bytes": found.limit,
        "disk_free_bytes": found.disk_free,
        "growth_bytes_per_day": None if found.growth is None else round(found.growth),
        "days_left": None if found.days_left is None else round(found.days_left, 1),
        "oldest_event_at": _time(found.oldest_at),
        "sampled_at": _time(found.sampled_at),
        "kinds": [
            {"kind": use.kind, "rows": use.rows, "bytes": use.bytes, "estimated": True}
            for use in found.uses
        ],
        "retention": [
            {
                "walk": one.name,
                "deleted": one.deleted,
                "last_at": _time(one.last_at),
                "behind_s": round(one.behind_s),
            }
            for one in found.walked
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _disk_free() -> int | None:
    """Free on the disk of the database; PostgreSQL's is its server's to know."""
    if connection.vendor != "sqlite":
        return None
    return shutil.disk_usage(settings.CONSOLE_HOME).free


def _growth(trail: Sequence[StorageSample], now: datetime, used: int) -> float | None:
    """Bytes a day, from a sample of about a day ago, or the oldest there is."""
    since = [sample for sample in trail if sample.at >= now - DAY - GROWTH_FROM]
    if not since or now - since[0].at < GROWTH_FROM:
        return None
    return (used - since[0].used_bytes) / ((now - since[0].at) / DAY)


def _walked(retention: Retention, now: datetime) -> list[Walked]:
    """Every walk there is by the configuration, and those that were."""
    rows = {row.name: row for row in Sweep.objects.order_by("name")}
    behind = {
        walk.name: _behind(rows[walk.name].position, walk.until)
        for walk in walks(retention, now, over=False)
        if walk.name in rows and walk.name.startswith("events")
    }
    return [
        Walked(row.name, row.deleted, row.last_at, behind.get(row.name, 0.0))
        for row in rows.values()
    ]


def _behind(position: int, until: datetime) -> float:
    found = Event.objects.filter(id__gt=position).order_by("id")
    came = found.values_list("received_at", flat=True).first()
    return 0.0 if came is None else max(0.0, (until - came).total_seconds())
