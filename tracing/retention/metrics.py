"""The store and its retention as metrics; costs the same in any store."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from tracing.models import StorageSample, Sweep
from tracing.retention.report import uses
from tracing.retention.room import room
from tracing.retention.samples import oldest_event


def families() -> Iterator[Metric]:
    """Bytes, by what they are and by kind of row; the oldest event; what was deleted."""
    now = room()
    size = GaugeMetricFamily("cascade_storage_bytes", "Bytes of the database.", labels=("of",))
    for name, value in (("used", now.used), ("file", now.file), ("log", now.log)):
        if value is not None:
            size.add_metric((name,), value)
    kinds = GaugeMetricFamily(
        "cascade_storage_kind_bytes",
        "Bytes by kind of row, estimated once an hour.",
        labels=("kind",),
    )
    sample = StorageSample.objects.order_by("-at").first()
    for use in uses(sample.tables if sample else {}):
        kinds.add_metric((use.kind,), use.bytes)
    oldest = GaugeMetricFamily(
        "cascade_storage_oldest_event_timestamp_seconds",
        "When the oldest event that is kept came in (none: no sample).",
    )
    came = oldest_event()
    if came is not None:
        oldest.add_metric((), came.timestamp())
    deleted = CounterMetricFamily(
        "cascade_retention_deleted", "Rows that retention deleted.", labels=("walk",)
    )
    for walk, count in Sweep.objects.order_by("name").values_list("name", "deleted"):
        deleted.add_metric((walk,), count)
    yield from (size, kinds, oldest, deleted)
