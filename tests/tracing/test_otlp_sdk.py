"""A foreign program, unchanged: OpenTelemetry's SDK with its OTLP/HTTP exporter, by the network."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, get_current_span
from pytest_django.live_server_helper import LiveServer

from kit.models import ApiToken, User
from tracing.cascade import Cascade
from tracing.loading import load
from tracing.models import Event, Flow
from tracing.summariser import summarise_all

pytestmark = pytest.mark.django_db(transaction=True)
Carrier = dict[str, str]


class Service:
    """A service that sends its spans to the console, as its own program would."""

    def __init__(self, name: str, endpoint: str, token: str, *, batched: bool) -> None:
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint}/v1/traces",
            headers={"Authorization": f"Bearer {token}"},
            compression=Compression.Gzip,
        )
        processor = BatchSpanProcessor(exporter) if batched else SimpleSpanProcessor(exporter)
        resource = Resource({"service.name": name, "service.version": "1.8.0"})
        self.provider = TracerProvider(resource=resource)
        self.provider.add_span_processor(processor)
        self._tracer = self.provider.get_tracer("test")

    def send(self, topic: str, **more: Any) -> Carrier:
        """Send a message: the headers it bears."""
        attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
            **more,
        }
        headers: Carrier = {}
        with self._tracer.start_as_current_span(
            f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes
        ):
            inject(headers)
        return headers

    @contextmanager
    def process(self, topic: str, *messages: Carrier, linked: bool) -> Iterator[Span]:
        """Handle messages in a new trace that links to theirs, or within the message's own."""
        contexts = [extract(headers) for headers in messages]
        links = [Link(get_current_span(context).get_span_context()) for context in contexts]
        with self._tracer.start_as_current_span(
            f"process {topic}",
            context=Context() if linked else contexts[0],
            kind=SpanKind.CONSUMER,
            links=links if linked else [],
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.type": "process",
                "messaging.destination.name": topic,
            },
        ) as span:
            assert isinstance(span, Span)
            yield span


def run(url: str, token: str, *, linked: bool, batched: bool) -> None:
    """An order through four services; what each sends is exported when it ends."""
    made = {
        name: Service(name, url, token, batched=batched)
        for name in ("shop", "payment", "inventory", "fulfilment")
    }
    placed = made["shop"].send("OrderPlaced")
    with pytest.raises(KeyError), made["payment"].process("OrderPlaced", placed, linked=linked):
        raise KeyError("currency")
    with made["payment"].process("OrderPlaced", placed, linked=linked):
        captured = made["payment"].send("PaymentCaptured")
    with made["inventory"].process("OrderPlaced", placed, linked=linked):
        reserved = made["inventory"].send("StockReserved")
    both = (captured, reserved) if linked else (captured,)
    with made["fulfilment"].process("PaymentCaptured", *both, linked=linked):
        made["fulfilment"].send("OrderShipped")
    for name in ("fulfilment", "shop", "inventory", "payment"):
        made[name].provider.shutdown()


def edges(cascade: Cascade) -> set[tuple[str, str]]:
    """What led to what, by name."""
    names = {one.id: one.name for one in cascade.events}
    names |= {one.id: one.consumer for one in cascade.deliveries}
    return {(names[edge.origin], names[edge.target]) for edge in cascade.edges}


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_a_whole_cascade(live_server: LiveServer, linked: bool, batched: bool) -> None:
    user = User.objects.create_user("shop", role="viewer")
    token = ApiToken.issue(user, "shop", ["ingest"])[1]
    run(live_server.url, token, linked=linked, batched=batched)
    placed = Event.objects.get(type="OrderPlaced")
    cascade = load(placed.flow_id)
    assert cascade is not None
    whole = {
        ("OrderPlaced", "payment"),
        ("OrderPlaced", "inventory"),
        ("payment", "PaymentCaptured"),
        ("inventory", "StockReserved"),
        ("PaymentCaptured", "fulfilment"),
        ("fulfilment", "OrderShipped"),
    }
    fan_in = {("StockReserved", "fulfilment")} if linked else set()
    assert edges(cascade) == whole | fan_in
    assert not cascade.anomalies
    assert {one.consumer: one.state.value for one in cascade.deliveries} == {
        "payment": "succeeded",
        "inventory": "succeeded",
        "fulfilment": "succeeded",
    }
    payment = next(one for one in cascade.deliveries if one.consumer == "payment")
    assert [(one.outcome, one.error_type) for one in payment.attempts] == [
        ("failed", "KeyError"),
        ("succeeded", ""),
    ]
    assert payment.attempts[0].release == "1.8.0"
    summarise_all()
    flow = Flow.objects.get(flow_id=placed.flow_id)
    assert (flow.root_type, flow.events) == ("OrderPlaced", 4)
