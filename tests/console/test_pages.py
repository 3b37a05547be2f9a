"""The console's own pages: who may see them, what they cost, what they do."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from console import people
from kit import audit
from kit.models import ApiToken, AuditEntry, User
from kit.permissions import Role

pytestmark = pytest.mark.django_db

OVERVIEW_QUERIES = 13  # session, person, and what five regions ask
PAGES = ("overview", "audit", "settings")


def _client(role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.create(username=f"a-{role}", role=role.value))
    return client


@pytest.mark.parametrize("page", PAGES)
def test_a_stranger_is_sent_to_the_login(client: Client, page: str) -> None:
    response = client.get(reverse(f"console:{page}"))
    assert response.status_code == 302
    assert response["Location"].startswith("/login?next=")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", list(Role))
def test_everybody_may_read(role: Role, page: str) -> None:
    assert _client(role).get(reverse(f"console:{page}")).status_code == 200


def test_pages_carry_the_strict_policy() -> None:
    policy = _client(Role.VIEWER).get("/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("action", "icon"), [("edit", "pencil"), ("discard", "trash"), ("replay.start", "repeat")]
)
def test_what_people_did_bears_its_icon(action: str, icon: str) -> None:
    audit.record(
        actor="ann", user=None, action=action, target_kind="letter", target_id=1, summary="did it"
    )
    text = _client(Role.VIEWER).get("/").content.decode()
    row = text[: text.index("did it")].rsplit("<li", 1)[1]
    assert f"#i-{icon}" in row


def test_an_empty_console_says_so() -> None:
    text = _client(Role.VIEWER).get("/").content.decode()
    assert "No event has come in yet." in text
    assert "No dead letter waits" in text


def test_the_overview_costs_the_same_however_much_was_done(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    client = _client(Role.VIEWER)
    with django_assert_num_queries(OVERVIEW_QUERIES):
        client.get("/")
    for number in range(30):
        audit.record(
            actor="a",
            user=None,
            action="edited",
            target_kind="letter",
            target_id=number,
            summary="edited",
        )
    with django_assert_num_queries(OVERVIEW_QUERIES):
        client.get("/")


@pytest.mark.parametrize(
    ("region", "queries"),
    [("headline", 10), ("groups", 5), ("consumers", 3), ("throughput", 5), ("actions", 3)],
)
def test_a_region_asks_for_what_it_shows(
    django_assert_num_queries: DjangoAssertNumQueries, region: str, queries: int
) -> None:
    client = _client(Role.VIEWER)
    headers = {"HX-Request-Type": "partial", "HX-Target": f"section#{region}"}
    with django_assert_num_queries(queries):
        text = client.get("/", headers=headers).content.decode()
    assert f'id="{region}"' in text
    assert "<html" not in text


def test_a_login_link_works_once(client: Client) -> None:
    user = people.person("on-call")
    link = people.login_link(user).removeprefix("http://127.0.0.1:8000")
    assert client.get(link)["Location"] == "/"
    assert client.get("/").status_code == 200
    again = Client().get(link)
    assert again.status_code == 410
    assert "works once" in again.content.decode()
    assert Client().get("/login/999/nonsense").status_code == 410


def test_a_person_can_be_made_with_a_role_and_moved_to_another() -> None:
    assert people.person("ann", Role.VIEWER).role == "viewer"
    assert people.person("ann").role == "viewer"
    assert people.person("ann", Role.OPERATOR).role == "operator"
    assert not people.person("ann").has_usable_password()


def test_passwords_cannot_be_guessed_for_long(client: Client) -> None:
    user = people.person("ann")
    user.set_password("right-horse-battery")
    user.save()
    wrong = {"username": "ann", "password": "wrong"}
    answers = [client.post("/login", wrong).status_code for _ in range(11)]
    assert answers[:9] == [200] * 9
    assert answers[-1] == 429
    right = {"username": "ann", "password": "right-horse-battery"}
    assert client.post("/login", right).status_code == 429
    assert AuditEntry.objects.filter(action="locked out").count() == 1
    other = Client(REMOTE_ADDR="127.0.0.9")
    assert other.post("/login", right).status_code == 302
    assert AuditEntry.objects.filter(action="logged in", actor="ann").count() == 1


def test_only_an_admin_issues_and_revokes_tokens() -> None:
    url, wanted = reverse("console:issue_token"), {"name": "ci", "scopes": ["read", "no such"]}
    assert _client(Role.OPERATOR).post(url, wanted).status_code == 403
    admin = _client(Role.ADMIN)
    assert admin.post(url, {"name": "", "scopes": ["read"]}).status_code == 422
    answer = admin.post(url, wanted)
    assert "no-store" in answer["Cache-Control"]
    shown = answer.content.decode()
    row = ApiToken.objects.get()
    assert row.scopes == ["read"]
    token = shown.split('id="new-token">')[1].split("<")[0]
    assert ApiToken.find(token) == row
    revoke = reverse("console:revoke_token", args=[row.pk])
    assert _client(Role.VIEWER).post(revoke).status_code == 403
    assert admin.post(revoke).status_code == 302
    assert ApiToken.find(token) is None
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert actions == {"logged in", "token issued", "token revoked"}


def test_the_audit_is_filtered_by_the_url() -> None:
    for actor in ("ann", "bob"):
        audit.record(
            actor=actor,
            user=None,
            action="edited",
            target_kind="letter",
            target_id=1,
            summary=f"{actor} edited letter 1",
        )
    text = _client(Role.VIEWER).get("/audit?actor=ann").content.decode()
    assert "ann edited letter 1" in text
    assert "bob edited letter 1" not in text


def test_incidents_are_for_the_demo_only() -> None:
    url = reverse("console:incident")
    assert _client(Role.VIEWER).post(url, {"name": "poison", "on": "true"}).status_code == 403
    assert _client(Role.ADMIN).post(url, {"name": "poison", "on": "true"}).status_code == 404


def test_a_post_without_a_csrf_token_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create(username="a", role=Role.ADMIN.value))
    assert client.post(reverse("console:issue_token"), {"name": "x"}).status_code == 403
    assert ApiToken.objects.count() == 0


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/audit", {}, 401),
        ("/api/audit", {"Authorization": "Bearer nonsense"}, 401),
        ("/api/no-such-thing", {}, 404),
    ],
)
def test_the_api_answers_strangers_with_problems(
    client: Client, path: str, headers: dict[str, str], status: int
) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response["Content-Type"] == "application/problem+json"


def test_a_token_reads_the_audit_and_no_more() -> None:
    user = User.objects.create(username="u", role=Role.ADMIN.value)
    _, token = ApiToken.issue(user, "ci", ["ingest"])
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/audit", headers=headers).status_code == 403
    _, token = ApiToken.issue(user, "ci", ["read"])
    answer = Client().get("/api/audit", headers={"Authorization": f"Bearer {token}"}).json()
    assert set(answer) == {"items", "next", "count", "estimated"}
