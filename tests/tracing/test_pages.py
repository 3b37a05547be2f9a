"""The pages of orders: fixed numbers of queries, 304, windows, masking, empty states."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kit import formats
from kit.models import User
from tests.tracing.keeping import configured
from tests.tracing.making import at, event, ident, receipt, shop
from tests.tracing.nasty import nasty
from tests.tracing.seeding import seed
from tracing import summariser
from tracing.cascade import MEANINGS, Kind
from tracing.cascade.model import event_node_id
from tracing.loading import load
from tracing.models import Flow

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """A person who may read."""
    client = Client()
    client.force_login(User.objects.create_user("viewer", role="viewer"))
    return client


@pytest.fixture
def page(client: Client) -> Callable[[str], str]:
    """The text of a page that answers 200."""

    def fetch(url: str) -> str:
        response = client.get(url)
        assert response.status_code == 200, response.content
        return response.content.decode()

    return fetch


def queries(client: Client, url: str) -> int:
    """How many queries a page asks."""
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


def orders(number: int, start: int = 0) -> None:
    """So many orders of one event each."""
    for n in range(start, start + number):
        rows = [event(f"e{n}", "OrderPlaced", n, flow_id=f"flow-{n}")]
        seed(rows, [], keys=(f"order:{n}",))
    summariser.summarise_all()


def test_nobody_sees_orders_without_logging_in() -> None:
    assert Client().get("/orders").status_code == 302


def test_the_list_asks_as_many_queries_for_many_as_for_one(client: Client) -> None:
    orders(1)
    few = queries(client, "/orders?type=OrderPlaced&q=flow")
    orders(40, start=1)
    assert queries(client, "/orders?type=OrderPlaced&q=flow") == few


def test_an_order_is_found_by_number_key_correlation_prefix_and_event(
    page: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders(12)
    for text in ("order:7", "flow-7", "e7"):
        assert "/orders/flow-7" in page(f"/orders?q={text}")
        assert "/orders/flow-3" not in page(f"/orders?q={text}")
    assert "/orders/flow-3" in page("/orders?q=flow-")
    assert "No order matches" in page("/orders?q=nothing")


def test_filters_by_status_and_time(page: Callable[[str], str]) -> None:
    orders(3)
    Flow.objects.filter(flow_id="flow-1").update(status="failed")
    text = page("/orders?status=failed")
    assert "/orders/flow-1" in text
    assert "/orders/flow-2" not in text
    until = at(1).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "/orders/flow-2" not in page(f"/orders?until={until}")
    assert "No order matches" in page("/orders?last=15m")


def test_without_events_the_page_says_how_to_get_some(page: Callable[[str], str]) -> None:
    assert "No events yet" in page("/orders")


def test_a_cascade_asks_as_many_queries_for_200_events_as_for_two(client: Client) -> None:
    seed([event("a", "A", 0, flow_id="small"), event("b", "B", 1, "a", flow_id="small")], [])
    rows = [event(f"e{n}", "E", n, *([f"e{n - 1}"] if n else [])) for n in range(200)]
    seed(rows, [])
    assert queries(client, "/orders/f") == queries(client, "/orders/small")


def test_the_page_shows_the_dead_letter_and_masks_what_is_secret(
    page: Callable[[str], str],
) -> None:
    died = receipt(
        "e",
        "payment",
        "dead_lettered",
        2,
        attempt=5,
        error_type="KeyError",
        error_message="card of anna@example.org",
    )
    letter = receipt("e", "payment", "dead_lettered", 2.2, origin="letter", letter_id=7)
    seed(
        [event("e", "OrderPlaced", 0)],
        [died, letter],
        keys=("order:4711",),
        body=b'{"password": "hunter2", "total": 3}',
        headers={"authorization": "Bearer abcdefghij"},
        content_type="application/json",
    )
    summariser.summarise_all()
    text = page("/orders/f")
    assert "/dead-letters/7" in text
    assert "payment gave up after 5 attempts" in text
    for secret in ("hunter2", "anna@", "abcdefghij"):
        assert secret not in text


def test_table_node_and_axis_are_in_the_url(page: Callable[[str], str]) -> None:
    events, receipts, _ = shop()
    seed(events, receipts)
    summariser.summarise_all()
    assert "Evidence" in page("/orders/f?view=table")
    cascade_url = f"/orders/f?node=d-{events[0].identity.hex()}-payment&axis=linear"
    text = page(cascade_url)
    assert "handles OrderPlaced" in text
    assert 'id="node"' not in page("/orders/f?node=none")


def test_more_rows_than_a_window_are_paged(page: Callable[[str], str]) -> None:
    rows = [event(f"e{n}", f"Type{n}", n, *([f"e{n - 1}"] if n else [])) for n in range(130)]
    seed(rows, [])
    first, last = page("/orders/f"), page("/orders/f?from=120&node=none")
    assert "rows 1 to 60 of 130" in first
    assert "Type59<" in first
    assert "Type60<" not in first
    assert "rows 121 to 130 of 130" in last
    assert "rows 121 to 130 of 130" in page("/orders/f?from=99999")
    assert "rows 1 to 60 of 130" in page("/orders/f?from=x")


def test_every_anomaly_is_named_and_leads_to_its_node(page: Callable[[str], str]) -> None:
    with configured():  # OrderShipped is the end
        _every_anomaly_is_named(page)


def _every_anomaly_is_named(page: Callable[[str], str]) -> None:
    seed(*nasty(), keys=("order:4711",))
    text = page("/orders/f").replace(formats.NBSP, " ")
    cascade = load("f")
    assert cascade is not None
    assert {one.kind for one in cascade.anomalies} == set(Kind) - {Kind.TRUNCATED}
    for anomaly in cascade.anomalies:
        assert f">{MEANINGS[anomaly.kind].title}</b>" in text
        assert anomaly.detail.replace(formats.NBSP, " ") in text
        assert f'href="?node={anomaly.node}"' in text
    assert 'class="s-2 f-none dash"' in text
    for view in ("graph", "table"):
        assert "inferred" in page(f"/orders/f?view={view}")


def test_many_anomalies_are_shown_kind_by_kind_in_windows(page: Callable[[str], str]) -> None:
    seed([event(f"e{n}", f"Type{n}", n, f"gone{n}") for n in range(50)], [])
    few = page("/orders/f?node=none")
    assert few.count("leads back only to event gone") == 2 * 3 + 2 * 30  # twice each; 30 rows
    assert 'href="?node=none&amp;anomaly=orphan#odd-orphan"' in few
    second = page("/orders/f?node=none&anomaly=orphan&afrom=20")
    assert "Type20 leads back only to event gone20" in second
    assert "21 to 40 of 50" in second
    assert "41 to 50 of 50" in page("/orders/f?anomaly=orphan&afrom=999")


def test_raw_clocks_are_a_choice_in_the_url(page: Callable[[str], str]) -> None:
    seed([event("e", "E", 0)], [receipt("e", "c", "succeeded", -0.25)])
    adjusted, said = page("/orders/f?view=table"), page("/orders/f?view=table&clock=raw")
    assert "14:23:03.750" not in adjusted
    assert "14:23:03.750" in said
    assert f"-0.25{formats.NBSP}s" in said
    assert 'href="?view=table&amp;clock=raw"' in adjusted
    node = f"d-{ident('e').hex()}-c"
    assert "14:23:03.750" in page(f"/orders/f?clock=raw&node={node}")  # in the panel
    assert "14:23:03.750" not in page(f"/orders/f?clock=raw&node={node}&view=graph")


def test_the_panel_has_the_permalink_of_its_node(page: Callable[[str], str]) -> None:
    seed([event(f"e{n}", f"Type{n}", n, *([f"e{n - 1}"] if n else [])) for n in range(130)], [])
    node = event_node_id(ident("e100"))
    text = page(f"/orders/f?view=table&node={node}&from=0")
    link = f"/orders/f?node={node}&amp;view=table"
    assert f'data-copy="http://testserver{link}"' in text
    assert "rows 61 to 120 of 130" in page(link.replace("&amp;", "&"))


def test_an_unchanged_region_answers_304(client: Client) -> None:
    events, receipts, _ = shop()
    finished = [row for row in receipts if row.outcome != "started"]
    seed(events, finished)
    summariser.summarise_all()
    Flow.objects.update(status="complete", ended_at=at(5))
    headers = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "div#flow"}
    first = client.get("/orders/f", headers=headers)
    assert first.status_code == 200
    assert b"<html" not in first.content
    again = client.get("/orders/f", headers={**headers, "HX-PTag": first["HX-PTag"]})
    assert again.status_code == 304
    seed([], [receipt("placed", "late", "succeeded", 9)])
    changed = client.get("/orders/f", headers={**headers, "HX-PTag": first["HX-PTag"]})
    assert changed.status_code == 200


def test_an_unknown_order_is_not_found(client: Client) -> None:
    assert client.get("/orders/never").status_code == 404


def test_the_graph_shows_every_node_and_keeps_the_chosen_one(page: Callable[[str], str]) -> None:
    events, receipts, _ = shop()
    seed(events, receipts)
    summariser.summarise_all()
    node = f"d-{events[0].identity.hex()}-payment"
    text = page(f"/orders/f?view=graph&node={node}")
    assert text.count('class="gnode') == 5 + 6
    assert re.search(rf'id="graph-{node}"[^>]*aria-current="true"', text)
    assert "handles OrderPlaced" in text
    assert "/api/cascades/f?format=mermaid" in text


def test_a_long_cascade_is_a_graph_by_windows_and_a_permalink_finds_its_own(
    page: Callable[[str], str], client: Client
) -> None:
    rows = [event(f"e{n}", f"Type{n}", n, *([f"e{n - 1}"] if n else [])) for n in range(700)]
    seed(rows, [])
    first = page("/orders/f?view=graph&node=none")
    assert first.count('class="gnode') == 300
    assert "rows 1 to 300 of 700" in first
    far = f"e-{rows[650].identity.hex()}"
    assert "rows 601 to 700 of 700" in page(f"/orders/f?view=graph&node={far}")
    assert "rows 601 to 660 of 700" in page(f"/orders/f?node={far}")
    assert "rows 1 to 60 of 700" in page(f"/orders/f?node={far}&from=0")
    small = queries(client, "/orders/f?view=table&node=none")
    assert queries(client, "/orders/f?view=graph&node=none") == small
