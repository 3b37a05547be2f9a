"""Bulk writing and pruning of lag's rows, in transactions of a bounded size."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, QuerySet, UniqueConstraint

from kit.limits import TRANSACTION_ROWS
from kit.writes import writing
from lag.models import Depth, Position, Sample, Standing, Stream

FINE_FOR = timedelta(minutes=70)  # every round's sample
KEPT_FOR = timedelta(days=1)  # one a minute; and what the broker no longer has
PRUNED_A_ROUND = 2 * TRANSACTION_ROWS
M = TypeVar("M", bound=Model)


def overwrite(model: type[M], rows: Iterable[M]) -> None:
    """Insert or overwrite by the model's unique key, sorted by it (no deadlocks)."""
    (unique,) = [c for c in model._meta.constraints if isinstance(c, UniqueConstraint)]
    key = list(unique.fields)
    others = [f.name for f in model._meta.concrete_fields if f.name not in ("id", *key)]
    ordered = sorted(rows, key=lambda row: tuple(getattr(row, name) for name in key))
    for start in range(0, len(ordered), TRANSACTION_ROWS):
        for row in ordered[start : start + TRANSACTION_ROWS]:
            row.pk = None
        with writing():
            model._default_manager.bulk_create(
                ordered[start : start + TRANSACTION_ROWS],
                update_conflicts=True,
                unique_fields=key,
                update_fields=others,
            )


def append(model: type[M], rows: list[M]) -> None:
    """Insert."""
    for start in range(0, len(rows), TRANSACTION_ROWS):
        with writing():
            model._default_manager.bulk_create(rows[start : start + TRANSACTION_ROWS])


def prune(broker: str, at: datetime) -> None:
    """Let go of what is too old, a bounded number of rows a round."""
    _delete(Sample.objects.filter(minute=False, at__lt=at - FINE_FOR).order_by("at"))
    _delete(Sample.objects.filter(minute=True, at__lt=at - KEPT_FOR).order_by("at"))
    old = at - KEPT_FOR
    _delete(Stream.objects.filter(broker=broker, sampled_at__lt=old))
    _delete(Position.objects.filter(broker=broker, sampled_at__lt=old))
    _delete(Standing.objects.filter(broker=broker, sampled_at__lt=old))
    # a queue that is gone holds nothing; unlike a consumer it may
    _delete(Depth.objects.filter(broker=broker, sampled_at__lt=at))


def _delete(rows: QuerySet[M]) -> None:
    ids = list(rows.values_list("pk", flat=True)[:PRUNED_A_ROUND])
    for start in range(0, len(ids), TRANSACTION_ROWS):
        with writing():
            rows.model._default_manager.filter(
                pk__in=ids[start : start + TRANSACTION_ROWS]
            ).delete()
