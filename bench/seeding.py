"""A store of so many events by bulk SQL: the shop's orders, whole, as if all had been summarised.

Every order has FLOW events and as many deliveries, a chain; orders start STEP apart and the last
one now, so that a larger store reaches further back at the same rate. Each FAILED-th order died;
letters of the last hour are open, older ones were mended.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice

from django.db import connection, transaction

from dlq.models import Death, Group, Letter
from tracing import columns
from tracing.bulk import Row, Table, moment
from tracing.envelope import identity
from tracing.search.matches import mark_of
from tracing.search.words import cut, tsvector

FLOW = 10  # events of one order
FAILED = 15
STEP = timedelta(seconds=3.6)  # a thousand orders an hour
OPEN_FOR = timedelta(hours=1)
CHUNK = 20_000  # rows of one transaction
SOURCE = "/shop/orders"
TYPES = ("OrderPlaced", "StockReserved", "PaymentCaptured", "ConfirmationSent", "OrderShipped")
CONSUMERS = ("payment", "inventory", "notification", "analytics", "fulfilment")
ERROR, MESSAGE = "KeyError", "no currency in the order"
RARE = 7  # the order whose events alone bear the word `needle`
FLOWS = Table(
    "tracing_flow",
    ("flow_id", "status", "reason", "root_type", "label", "events", "deliveries", "open_letters",
     "amount", "currency", "started_at", "last_at", "ended_at"),
)  # fmt: skip
WORDS = Table("tracing_eventwords", ("event_id", "words"))
WORDS_MARK = Table("tracing_wordsmark", ("id", "event_id", "received_at"))
MARKS = {
    name: Table(f"tracing_flow{name}", ("flow_id", name, "started_at"))
    for name in ("type", "consumer")
}
ERRORS = Table("tracing_flowerror", ("flow_id", "word", "started_at"))
QUICK = ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-400000")
AFTERWARDS_SQLITE = ("PRAGMA wal_checkpoint(TRUNCATE)",)
AFTERWARDS_POSTGRESQL = ("VACUUM ANALYZE",)
Rows = Iterable[Row]


@dataclass(frozen=True, slots=True)
class Order:
    """The number of an order, and when it started."""

    number: int
    at: datetime

    @property
    def flow_id(self) -> str:
        """Spread as random IDs are."""
        return flow_id(self.number)

    @property
    def died(self) -> bool:
        """Whether its last delivery gave up."""
        return self.number % FAILED == 0


def flow_id(number: int) -> str:
    """The flow of the order of this number, from 0 on."""
    return blake2b(number.to_bytes(8, "big"), digest_size=16).hexdigest()


def seed(events: int) -> None:
    """Fill an empty store with so many events; the newest order has the number 0.

    Afterwards PostgreSQL knows its own statistics, as by autovacuum.
    """
    now = datetime.now(UTC)
    orders = [Order(number, now - number * STEP) for number in reversed(range(events // FLOW))]
    on_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        for pragma in QUICK if on_sqlite else ():
            cursor.execute(pragma)
        for table, rows in _tables(orders):
            _write(table, rows)
        _letters([order for order in orders if order.died], now - OPEN_FOR)
        for statement in AFTERWARDS_SQLITE if on_sqlite else AFTERWARDS_POSTGRESQL:
            cursor.execute(statement)
    connection.close()


def _tables(orders: Sequence[Order]) -> Iterator[tuple[Table, Rows]]:
    yield columns.EVENT, (row for one in orders for row in _events(one))
    yield columns.RECEIPT, (row for one in orders for row in _receipts(one))
    yield FLOWS, map(_flow, orders)
    yield columns.FLOW_KEY, ((f"order:{one.number}", one.flow_id) for one in orders)
    yield MARKS["type"], ((o.flow_id, name, moment(o.at)) for o in orders for name in TYPES)
    yield MARKS["consumer"], ((o.flow_id, name, moment(o.at)) for o in orders for name in CONSUMERS)
    words = sorted({*cut(ERROR), *cut(MESSAGE)})
    yield ERRORS, ((o.flow_id, word, moment(o.at)) for o in orders if o.died for word in words)
    yield WORDS, _words(orders)
    yield (
        Table("tracing_wordsmark", ("id", "event_id", "received_at")),
        ((1, len(orders) * FLOW, moment(orders[-1].at)),),
    )


def _body(order: Order, place: int) -> dict[str, object]:
    note = "needle" if order.number == RARE else "thank you"
    return {
        "order_id": str(order.number),
        "total": f"{order.number % 900 + 10}.60",
        "currency": "EUR",
        "customer": f"c-{order.number % 5000}",
        "lines": [{"sku": f"sku-{order.number % 300}", "quantity": place + 1, "note": note}],
    }


def _event_id(order: Order, place: int) -> str:
    return f"{order.flow_id}-{place}"


def _events(order: Order) -> Iterator[Row]:
    for place in range(FLOW):
        event_id, at = _event_id(order, place), moment(order.at + timedelta(seconds=place / 10))
        data = json.dumps(_body(order, place)).encode()
        causes = json.dumps([_event_id(order, place - 1)] if place else [])
        values = {
            "identity": identity(SOURCE, event_id), "published_at": at,
            "body_hash": blake2b(data, digest_size=16).digest(), "flow_id": order.flow_id,
            "source": SOURCE, "event_id": event_id, "type": TYPES[place * len(TYPES) // FLOW],
            "time": at, "causes": causes, "partition_key": f"order-{order.number}",
            "content_type": "application/json", "data": data, "size": len(data),
            "attributes": "{}", "headers": "{}", "topic": "orders", "broker": "shop",
            "stream": f"orders.{order.number % 3}", "position": f"{order.number}-{place}",
            "broker_time": at, "received_at": at,
        }  # fmt: skip
        yield tuple(values.get(name, "") for name in columns.EVENT.columns)


def _receipts(order: Order) -> Iterator[Row]:
    for place in range(FLOW):
        event_id = _event_id(order, place)
        at = moment(order.at + timedelta(seconds=place / 10 + 0.02))
        died = order.died and place == FLOW - 1
        emitted = [] if place == FLOW - 1 else [identity(SOURCE, _event_id(order, place + 1)).hex()]
        values = {
            "receipt_identity": identity("receipt", event_id), "seen_at": at,
            "identity": identity(SOURCE, event_id), "flow_id": order.flow_id,
            "consumer": CONSUMERS[place % len(CONSUMERS)], "attempt": 1,
            "outcome": "dead_lettered" if died else "succeeded", "started_at": at,
            "duration_ms": 50.0, "error_type": ERROR if died else "",
            "error_message": MESSAGE if died else "", "retry_in_ms": None,
            "published": json.dumps(emitted), "origin": "receipt", "letter_id": None,
            "received_at": at,
        }  # fmt: skip
        yield tuple(values.get(name, "") for name in columns.RECEIPT.columns)


def _flow(order: Order) -> Row:
    end = moment(order.at + timedelta(seconds=1))
    status, reason = ("failed", "fulfilment gave up") if order.died else ("complete", TYPES[-1])
    return (
        *(order.flow_id, status, reason, TYPES[0], f"order:{order.number}", FLOW, FLOW),
        *(int(order.died), f"{order.number % 900 + 10}.60", "EUR"),
        *(moment(order.at), end, None if order.died else end),
    )


def _words(orders: Sequence[Order]) -> Iterator[Row]:
    on_sqlite = connection.vendor == "sqlite"
    for at, order in enumerate(orders):
        for place in range(FLOW):
            number = at * FLOW + place + 1  # as the events were numbered
            body = _body(order, place)
            lines = body.pop("lines")
            words = cut(f"{' '.join(map(str, body.values()))} {json.dumps(lines)}")
            yield number, " ".join(words) if on_sqlite else tsvector(words, mark_of(number))


def _letters(orders: Sequence[Order], open_since: datetime) -> None:
    """What died, in one group, and where each lay."""
    group = Group.objects.create(
        fingerprint="1:bench", broker="shop", consumer=CONSUMERS[-1], error_type=ERROR,
        message=MESSAGE, first_at=orders[0].at, last_at=orders[-1].at, letters=len(orders),
        open_letters=sum(order.at >= open_since for order in orders), open_amount=4711,
        currency="EUR",
    )  # fmt: skip
    letters = Letter.objects.bulk_create(
        Letter(
            group=group, identity_key=order.flow_id, broker="shop", consumer=CONSUMERS[-1],
            state="dead" if order.at >= open_since else "mended", dead_stream="orders.dlq",
            dead_position=f"{order.number}-0", flow_id=order.flow_id, label=f"order:{order.number}",
            event_identity=identity(SOURCE, _event_id(order, FLOW - 1)), payload=b"{}",
            first_died_at=order.at, died_at=order.at,
            settled_at=None if order.at >= open_since else order.at + OPEN_FOR,
        )
        for order in orders
    )  # fmt: skip
    Death.objects.bulk_create(
        Death(
            letter=letter, broker="shop", stream="orders.dlq", position=letter.dead_position,
            died_at=letter.died_at,
        )
        for letter in letters
    )  # fmt: skip


def _write(table: Table, rows: Rows) -> None:
    left = iter(rows)
    write: Callable[[Table, Sequence[Row]], None]
    write = _insert if connection.vendor == "sqlite" else _copy
    while part := list(islice(left, CHUNK)):
        with transaction.atomic():
            write(table, part)


def _insert(table: Table, rows: Sequence[Row]) -> None:
    marks = ", ".join(["%s"] * len(table.columns))
    with connection.cursor() as cursor:
        cursor.executemany(table.insert(f"VALUES ({marks})"), rows)


def _copy(table: Table, rows: Sequence[Row]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
