"""What died and is not settled keeps its cascade, as the console wires it."""

from datetime import UTC, datetime, timedelta

import pytest

from dlq.models import Letter
from tests.dlq.rows import letter
from tests.tracing.keeping import aged, configured, left, order, summarised, sweep
from tracing.models import FlowAlias, Sweep
from tracing.retention.walks import REWALK

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def test_a_flow_stays_until_its_letter_is_settled() -> None:
    order(1)
    order(2)
    order(3)
    summarised()
    waiting = letter(flow_id="flow-1")
    letter(flow_id="flow-2", settled_at=NOW)
    with configured(events="30d"):
        aged(timedelta(days=31), NOW)
        sweep()
        assert left() == {"flow-1"}
        Letter.objects.filter(pk=waiting.pk).update(settled_at=NOW)
        Sweep.objects.update(began_at=NOW - REWALK)
        sweep()
        sweep()
    assert left() == set()
    assert bytes(Letter.objects.get(pk=waiting.pk).payload or b"")  # the letter's own


def test_so_does_one_that_the_letter_knows_by_another_name() -> None:
    order(1)
    order(2)
    summarised()
    FlowAlias.objects.create(alias="trace-1", flow_id="flow-1", evidence="trace")
    letter(flow_id="trace-1")
    with configured(events="30d"):
        aged(timedelta(days=31), NOW)
        sweep()
    assert left() == {"flow-1"}
