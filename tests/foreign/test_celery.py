"""Celery's own messages, as its own library puts them on Redis: task, root and parent."""

from uuid import uuid4

import pytest
from celery import Celery
from redis import Redis

from tests.tracing.test_foreign import read


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_a_task_is_recognised(redis_url: str, serializer: str) -> None:
    app = Celery("shop", broker=redis_url)
    root, parent, own = (str(uuid4()) for _ in range(3))
    app.send_task(
        "shop.tasks.charge",
        (4711,),
        {"note": "Grüße"},
        task_id=own,
        root_id=root,
        parent_id=parent,
        serializer=serializer,
    )
    raw = Redis.from_url(redis_url).lpop("celery")
    assert isinstance(raw, bytes)
    event = read({}, raw)
    assert (event.source, event.id, event.type) == ("celery", own, "shop.tasks.charge")
    assert (event.correlation_id, event.causes) == (root, (parent,))
    assert event.extensions == {"readas": "Celery"}
    assert event.content_type == {"json": "application/json"}.get(
        serializer, "application/x-python-serialize"
    )
    assert (event.data or b"").startswith(b"[[4711]" if serializer == "json" else b"\x80")
    first = app.send_task("shop.tasks.charge")
    alone = read({}, Redis.from_url(redis_url).lpop("celery"))  # type: ignore[arg-type]
    assert (alone.id, alone.correlation_id, alone.causes) == (first.id, first.id, ())
