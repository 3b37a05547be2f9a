"""The API and the command of dead letters and replays."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dlq.models import Letter, Revision
from kit.models import ApiToken, AuditEntry, User
from tests.dlq import scene
from tests.dlq.scene import Scene, pump

pytestmark = pytest.mark.django_db


class Api:
    """A client with a token."""

    def __init__(self, *scopes: str) -> None:
        user, _ = User.objects.get_or_create(username="ann")
        _, token = ApiToken.issue(user, "test", list(scopes))
        self._client = Client(headers={"authorization": f"Bearer {token}"})

    def get(self, path: str, status: int = 200) -> Any:
        return self._answer(self._client.get(f"/api{path}"), status)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        found = self._client.post(f"/api{path}", json.dumps(body), content_type="application/json")
        return self._answer(found, status)

    def _answer(self, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        if status >= 400:
            assert response["content-type"] == "application/problem+json"
            assert response.json()["title"]
        return response.json()


@pytest.fixture
def api() -> Api:
    return Api("read", "operate")


def test_lists_and_one(shop: Scene, api: Api) -> None:
    shop.die(1, 2, 3)
    shop.letters()
    page = api.get("/dead-letters?consumer=payment&limit=2")
    assert (len(page["items"]), page["count"], page["estimated"]) == (2, 3, False)
    rest = api.get(f"/dead-letters?consumer=payment&limit=2&cursor={page['next']}")
    assert (len(rest["items"]), rest["next"]) == (1, None)
    one = api.get(f"/dead-letters/{page['items'][0]['id']}")
    assert json.loads(one["payload"])["total"] == "10.00"
    assert one["headers"]["ce-source"] == "/orders"
    (group,) = api.get("/dead-letter-groups")["items"]
    assert (group["consumer"], group["open_letters"]) == ("payment", 3)
    api.get("/dead-letters/999999", 404)


def test_a_dry_run_then_the_same_plan(shop: Scene, api: Api) -> None:
    shop.die(1, 2)
    shop.letters()
    body = {"filter": {"consumer": "payment"}, "dry_run": True}
    planned = api.post("/replays", body, 201)
    assert (planned["state"], planned["members"], planned["classified"]) == ("planned", 2, True)
    (ready,) = planned["classes"]
    assert (ready["name"], ready["choice"], ready["letters"]) == ("ready", "send", 2)
    assert planned["receivers"][0]["consumer"] == "payment"
    assert shop.sent() == []
    started = api.post("/replays", {"replay": planned["id"], "reason": "the fix is out"}, 201)
    assert (started["state"], started["members_hash"]) == ("running", planned["members_hash"])
    for _ in range(2):  # the second gate waits for the outcome of the first
        pump()
        shop.handle()
        scene.settle(shop)
        pump()
    done = api.get(f"/replays/{planned['id']}")
    assert (done["state"], done["account"]) == ("done", {"succeeded": 2})
    assert (done["ramp"], [gate["letters"] for gate in done["gates"]]) == ([1, 5, 25], [1, 1])
    assert all(item["evidence"] for item in done["items"])
    (listed,) = api.get("/replays")["items"]
    assert listed["id"] == planned["id"]
    assert AuditEntry.objects.filter(action="replay.start").get().actor == "ann (test)"


def test_a_ramp_that_pauses_itself_says_why(shop: Scene, api: Api) -> None:
    shop.die(1, 2)
    shop.letters()
    body = {"filter": {"consumer": "payment"}, "reason": "1.8.1", "ramp": [1], "most_failed": 10}
    made = api.post("/replays", body, 201)
    path = f"/replays/{made['id']}"
    pump()
    shop.handle("dead_lettered")
    scene.settle(shop)
    pump()
    paused = api.get(path)
    assert (paused["state"], paused["gate"]) == ("paused", 0)
    assert paused["stopped"] == "1 failed again of 1: more than 10 %"
    resumed = api.post(f"{path}/resume", {"again": True})
    assert (resumed["state"], resumed["stopped"]) == ("running", "")
    assert resumed["account"] == {"waiting": 2}


def test_a_ramp_has_bounds(shop: Scene, api: Api) -> None:
    shop.die(1)
    shop.letters()
    for wrong in ({"ramp": [0]}, {"ramp": [5_000]}, {"most_failed": 101}):
        body = {"filter": {"consumer": "payment"}, "reason": "x", **wrong}
        assert api.post("/replays", body, 409)["title"].startswith("No such")


def test_pause_resume_cancel(shop: Scene, api: Api) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    made = api.post("/replays", {"letters": [letter.pk], "reason": "now"}, 201)
    path = f"/replays/{made['id']}"
    assert api.post(f"{path}/pause", {})["state"] == "paused"
    assert api.post(f"{path}/resume", {})["state"] == "running"
    assert api.post(f"{path}/cancel", {"reason": "not yet"})["state"] == "cancelled"
    assert api.post(f"{path}/resume", {}, 409)["title"] == "The replay is cancelled"
    assert api.get(path)["account"] == {"unsent": 1}
    api.post("/replays/999999/pause", {}, 404)


def test_revisions(shop: Scene, api: Api) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    path = f"/dead-letters/{letter.pk}/revisions"
    body = {"payload": '{"order_id": 1, "total": "10.00", "currency": "EUR"}', "reason": "add it"}
    made = api.post(path, body, 201)
    assert (made["number"], made["paths"]) == (1, ["/currency"])
    assert json.loads(api.get(f"/dead-letters/{letter.pk}")["payload"])["currency"] == "EUR"
    assert bytes(Letter.objects.get().payload or b"") == bytes(letter.payload or b"")
    refused = api.post(path, {**body, "reason": " "}, 422)
    assert refused["errors"][0]["path"] == "reason"
    api.post(path, {**body, "version": 1}, 409)
    api.post(path, {"payload": "{", "reason": "x"}, 422)
    assert Revision.objects.count() == 1


def test_an_edit_begins_with_the_unmasked_content(shop: Scene, api: Api) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    content = api.get(f"/dead-letters/{letter.pk}/content")
    assert json.loads(content["payload"]) == json.loads(bytes(letter.payload or b""))
    assert content["version"] == letter.version
    assert content["headers"] == letter.headers


def test_discard(shop: Scene, api: Api) -> None:
    shop.die(1, 2)
    first, _ = shop.letters()
    done = api.post("/dead-letters/discard", {"letters": [first.pk], "reason": "a test order"})
    assert done == {"discarded": 1, "copies": 1, "changed": []}
    api.post("/dead-letters/discard", {"letters": [first.pk], "reason": "again"}, 409)
    api.post("/dead-letters/discard", {"filter": {"consumer": "payment"}, "reason": ""}, 409)
    api.post("/dead-letters/discard", {"filter": {}, "reason": "everything"}, 422)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"letters": [1], "filter": {}},
        {"filter": {"colour": "red"}},
        {"letters": "all"},
        {"letters": [1], "rate_per_s": -1},
        {"letters": [1], "reason": "x" * 2_001},
        [],
    ],
)
def test_bad_choices_are_named(shop: Scene, api: Api, body: Any) -> None:
    api.post("/replays", body, 422)


def test_who_may(shop: Scene) -> None:
    shop.die(1)
    (letter,) = shop.letters()
    reader = Api("read")
    reader.get("/dead-letters")
    reader.post("/replays", {"letters": [letter.pk], "reason": "x"}, 403)
    reader.post("/dead-letters/discard", {"letters": [letter.pk], "reason": "x"}, 403)
    reader.post(f"/dead-letters/{letter.pk}/revisions", {"reason": "x"}, 403)
    reader.get(f"/dead-letters/{letter.pk}/content", 403)
    Api("ingest").get("/dead-letters", 403)
    assert Client().get("/api/dead-letters").status_code == 401
    assert shop.queued() == 1


def test_in_doubt_is_settled_by_a_person(shop: Scene, api: Api) -> None:
    shop.die(1)
    replay = scene.run(*shop.letters())
    replay.items.update(state="maybe_sent")
    Letter.objects.update(state="maybe_sent")
    item = replay.items.get()
    path = f"/replay-items/{item.pk}/settle"
    api.post(path, {"sent": False, "reason": ""}, 409)
    done = api.post(path, {"sent": False, "reason": "not on the topic"})
    assert (done["state"], done["account"]) == ("done", {"unsent": 1})
    assert Letter.objects.get().state == "dead"


def command(*words: str) -> Any:
    out = StringIO()
    call_command("dlq", *words, stdout=out)
    text = out.getvalue()
    return json.loads(text) if "--json" in words else text


def test_the_command(shop: Scene, tmp_path: Any) -> None:
    shop.die(1, 2)
    first, second = shop.letters()
    listed = command("list", "--json")
    assert {row["id"] for row in listed} == {first.pk, second.pk}
    assert "order:1" in command("list", "--consumer", "payment")
    file = tmp_path / "payload.json"
    file.write_text('{"order_id": 1, "currency": "EUR"}')
    edited = command(
        *("edit", str(first.pk), "--payload", str(file), "--reason", "no currency", "--json")
    )
    assert edited["number"] == 1
    assert "EUR" in command("show", str(first.pk))
    planned = command("replay", "--consumer", "payment", "--dry-run", "--json")
    assert planned["state"] == "planned"
    started = command("replay", str(first.pk), "--reason", "the fix is out", "--json")
    assert started["state"] == "running"
    pump()
    assert len(shop.sent()) == 1
    assert "discarded 1" in command("discard", str(second.pk), "--reason", "a test order")
    for words in (("replay",), ("discard", "1", "--consumer", "x"), ("show", "999999")):
        with pytest.raises(CommandError):
            command(*words)
    with pytest.raises(CommandError, match="Say why"):
        command("discard", str(first.pk))
