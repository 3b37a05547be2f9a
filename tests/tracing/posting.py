"""Events as clients post them, and what a refusal looks like."""

from collections.abc import Callable
from typing import Any

from tracing.models import Event, Malformed

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
Post = Callable[..., Any]  # the fixture `post`: body, content type, headers


def event(event_id: str = "1", **more: Any) -> dict[str, Any]:
    """A good event."""
    good = {"specversion": "1.0", "id": event_id, "source": "/shop", "type": "OrderPlaced"}
    return {**good, "data": {"order_id": 4711}, **more}


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal; nothing was stored."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert not Event.objects.exists()
    assert not Malformed.objects.exists()
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    return document
