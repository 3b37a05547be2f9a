"""A cascade as OTLP: valid for others, and taken in again it is the same cascade."""

import json
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from kit.models import User
from tests.tracing.making import at, event, receipt, shop
from tests.tracing.seeding import seed
from tracing import queries, spans
from tracing.cascade import Cascade, build
from tracing.models import Event, Flow, Receipt
from tracing.otlp import from_json
from tracing.otlp_export import otlp
from tracing.summariser import summarise_all

db = pytest.mark.django_db(transaction=True)


def cascade() -> Cascade:
    """The shop's order, with a failed try and an attempt that still runs."""
    events, receipts, places = shop()
    return build("f", events, receipts, places)


def spans_of(body: bytes) -> list[dict[str, Any]]:
    """All spans of a request."""
    return [
        span
        for resource in json.loads(body)["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def said(span: dict[str, Any]) -> dict[str, str]:
    """The attributes of a span or a link."""
    return {one["key"]: one["value"]["stringValue"] for one in span["attributes"]}


def test_the_protocols_own_parser_takes_it() -> None:
    request = json.loads(otlp(cascade()))
    for resource in request["resourceSpans"]:
        for span in resource["scopeSpans"][0]["spans"]:
            for place in (span, *span["links"]):
                assert (len(place["traceId"]), len(place["spanId"])) == (32, 16)
                place["traceId"] = place["spanId"] = ""  # hex here, base64 in protobuf's own JSON
            span["parentSpanId"] = ""
    parsed = ParseDict(request, ExportTraceServiceRequest())
    assert sum(len(r.scope_spans[0].spans) for r in parsed.resource_spans) == 5 + 7


def test_the_same_cascade_is_the_same_trace() -> None:
    events, receipts, places = shop()
    again = build("f", events[::-1], receipts[::-1], places)
    assert otlp(again) == otlp(cascade())
    ids = [span["spanId"] for span in spans_of(otlp(cascade()))]
    assert len(set(ids)) == len(ids)


def test_fan_in_is_links_and_what_still_runs_is_no_span() -> None:
    made = spans_of(otlp(cascade()))
    shipped = next(s for s in made if said(s).get("cloudevents.event_type") == "OrderShipped")
    assert {said(link)["cloudevents.event_id"] for link in shipped["links"]} == {
        *("captured", "reserved")
    }
    assert not any(said(s).get("messaging.consumer.group.name") == "analytics" for s in made)


def test_errors_are_told_and_masked() -> None:
    died = receipt(
        "a", "mail", "failed", 1, error_type="KeyError", error_message="of anna@example.org"
    )
    made = spans_of(otlp(build("f", [event("a", "A", 0)], [died])))
    failed = made[-1]
    assert (failed["status"], said(failed)["error.type"]) == ({"code": 2}, "KeyError")
    assert said(failed["events"][0])["exception.message"].startswith("of a")
    assert "anna@" not in json.dumps(made)


@db
def test_taken_in_again_it_has_the_same_events_deliveries_and_edges() -> None:
    first = cascade()
    spans.take(from_json(otlp(first)).spans, keys={})
    summarise_all()
    again = queries.cascade_of("f")
    assert again is not None

    def events(one: Cascade) -> dict[str, tuple[str, str]]:
        return {node.id: (node.name, node.row.flow_id) for node in one.events if node.row}

    def handled(one: Cascade) -> dict[str, tuple[str, list[str]]]:
        return {
            delivery.id: (delivery.state, sorted(a.error_type for a in delivery.attempts))
            for delivery in one.deliveries
            if delivery.consumer not in ("analytics", "payment")
        }

    assert events(again) == events(first)
    assert handled(again) == handled(first)
    assert {e.ends for e in again.edges} >= {
        edge.ends for edge in first.edges if "analytics" not in edge.target
    }
    tries = Receipt.objects.filter(consumer="payment").exclude(outcome="started")
    assert sorted(tries.values_list("outcome", flat=True)) == ["failed", "failed", "succeeded"]
    spans.take(from_json(otlp(first)).spans, keys={})
    assert Event.objects.count() == 5


@db
def test_api_page_and_terminal_give_it(capsys: pytest.CaptureFixture[str]) -> None:
    events, receipts, places = shop()
    seed(events, receipts, places)
    summarise_all()
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    response = client.get("/api/cascades/f?format=otlp")
    assert response["Content-Type"] == "application/json"
    assert len(spans_of(response.content)) == 12
    assert "?format=otlp" in client.get("/orders/f").content.decode()
    for form, sign in (("otlp", "resourceSpans"), ("mermaid", "flowchart"), ("json", "nodes")):
        call_command("cascade", "f", format=form)
        assert sign in capsys.readouterr().out
    assert Flow.objects.get().started_at == at(0)
