"""One store of bench/lists.py: pages are asked from Django's handler inwards."""

import json
import re
import sys
import time
from functools import cache
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.seeding import flow_id, seed
from kit.models import User

QUERIES = 24  # of one page, at most
ORDER = 500  # whose cascade is asked for


def main(events: int) -> None:
    """Seed, then answer each question `{url, on}` with the seconds that the page took."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_user("bench", role="admin"))
    seed(events)
    urls = cache(lambda url, on: _checked(client, url, on))
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        question: dict[str, Any] = json.loads(line)
        url = urls(question["url"], question["on"])
        start = time.perf_counter()
        client.get(url)
        print(json.dumps(time.perf_counter() - start), flush=True)


def _checked(client: Client, url: str, on: int) -> str:
    """The page that many pages on; that it answers, and asks no more queries than it may."""
    url = url.format(flow=flow_id(ORDER))
    path = url.partition("?")[0]
    for _ in range(on):
        found = re.search(r'href="(\?cursor=[^"]+)" rel="next"', client.get(url).content.decode())
        assert found, url
        url = f"{path}{found[1]}"
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200, url
    assert len(queries) <= QUERIES, (url, len(queries))
    return url
