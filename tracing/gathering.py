"""The rows of some flows, and of those joined to them, as their summaries need them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from brokers import bearing
from brokers.config import Config
from tracing.models import Event, FlowKey, Receipt
from tracing.reading import chunks, event_rows, receipt_rows
from tracing.rows import EventRow, ReceiptRow
from tracing.summary import earliest

BODY_MAX = 64 * 1024  # bytes; an amount is not looked for in larger bodies
BODIES = 3  # events of a flow, from the first on, that an amount is looked for in


class Gathered:
    """Events and receipts of flows under all their names; `own`, `told`: by the flow they bear.

    `lead`: other names and the flows they lead to.
    """

    def __init__(self, flow_ids: Collection[str], lead: Mapping[str, str]) -> None:
        self.own: dict[str, list[EventRow]] = defaultdict(list)
        self.told: dict[str, list[ReceiptRow]] = defaultdict(list)
        self.events: dict[str, list[EventRow]] = defaultdict(list)
        self.receipts: dict[str, list[ReceiptRow]] = defaultdict(list)
        self._lead = lead
        self._ids = sorted({*flow_ids, *lead})
        for chunk in chunks(self._ids):
            for event in event_rows(Event.objects.filter(flow_id__in=chunk)):
                self.own[event.flow_id].append(event)
            for receipt in receipt_rows(Receipt.objects.filter(flow_id__in=chunk)):
                self.told[receipt.flow_id].append(receipt)
        for name, events in self.own.items():
            self.events[lead.get(name, name)] += events
        for name, receipts in self.told.items():
            self.receipts[lead.get(name, name)] += receipts

    def labels(self, kinds: Sequence[str]) -> dict[str, str]:
        """The key a flow is called by: of the kind configured first, then the least.

        A flow bears the keys of those that are joined to it: they are written as borrowed.
        """
        rank = {kind: number for number, kind in enumerate(kinds)}
        keys: dict[str, set[str]] = defaultdict(set)
        borrowed: set[tuple[str, str]] = set()
        for chunk in chunks(self._ids):
            rows = FlowKey.objects.filter(flow_id__in=chunk)
            for name, key, is_borrowed in rows.values_list("flow_id", "key", "borrowed"):
                if is_borrowed:
                    borrowed.add((key, name))
                else:
                    keys[name].add(key)
        _borrow(keys, borrowed, self._lead)
        return {
            flow_id: min(mine, key=lambda key: (rank.get(key.partition(":")[0], len(rank)), key))
            for flow_id, mine in keys.items()
        }

    def amounts(self, config: Config) -> dict[str, tuple[Decimal | None, str]]:
        """What a flow is about in money: of its first event that bears an amount."""
        if config.value.amount is None:
            return {}
        firsts = {one: earliest(rows)[:BODIES] for one, rows in self.events.items()}
        bodies = _bodies([row.identity for rows in firsts.values() for row in rows])
        answer: dict[str, tuple[Decimal | None, str]] = {}
        for flow_id, rows in firsts.items():
            for row in rows:
                data = bearing.parsed(bodies.get(row.identity))
                amount, currency = bearing.amount(data, config.value)
                if amount is not None:
                    answer[flow_id] = (amount, currency)
                    break
        return answer


def _borrow(
    keys: dict[str, set[str]], borrowed: Collection[tuple[str, str]], lead: Mapping[str, str]
) -> None:
    """Give flows the keys of those that lead to them, and take back what nobody bears any more."""
    wanted: set[tuple[str, str]] = set()
    for name, flow_id in lead.items():
        wanted.update((key, flow_id) for key in keys.get(name, set()) - keys.get(flow_id, set()))
    for key, flow_id in sorted(set(borrowed) - wanted):
        FlowKey.objects.filter(key=key, flow_id=flow_id, borrowed=True).delete()
    new = [
        FlowKey(key=key, flow_id=flow_id, borrowed=True)
        for key, flow_id in sorted(wanted - set(borrowed))
    ]
    FlowKey.objects.bulk_create(new, ignore_conflicts=True)
    for key, flow_id in wanted:
        keys[flow_id].add(key)


def _bodies(identities: Sequence[bytes]) -> dict[bytes, bytes]:
    found = (
        Event.objects.filter(identity__in=identities)
        .filter(size__lte=BODY_MAX)
        .values_list("identity", "data")
    )
    return {bytes(identity): bytes(data) for identity, data in found if data is not None}
