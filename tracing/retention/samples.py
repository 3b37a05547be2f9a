"""How the store grows: its size about once an hour, and what is known from that."""

from datetime import datetime, timedelta

from kit.writes import writing
from tracing.models import Event, StorageSample
from tracing.retention import tables
from tracing.retention.room import room

EVERY = timedelta(hours=1)
KEPT = timedelta(days=90)


def take_if_due(now: datetime) -> None:
    """Take a sample when the newest is old."""
    if not StorageSample.objects.filter(at__gt=now - EVERY).exists():
        take(now)


def take(now: datetime) -> StorageSample:
    """Measure and keep it, for as long as such samples are kept."""
    size = room()
    measured = tables.measure(size.used)
    with writing():
        StorageSample.objects.filter(at__lt=now - KEPT).delete()
        return StorageSample.objects.create(
            at=now,
            used_bytes=size.used,
            file_bytes=size.file,
            tables={name: [one.rows, one.bytes] for name, one in measured.items()},
            oldest_at=oldest_event(),
        )


def oldest_event() -> datetime | None:
    """When the oldest event that is there came in; None: there is none."""
    return Event.objects.order_by("id").values_list("received_at", flat=True).first()
