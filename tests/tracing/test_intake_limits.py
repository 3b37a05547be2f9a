"""The limits of taking in: settings with a documented answer each, and the webhook handshake."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from console import environment
from kit import limits
from kit.limits import KIB, Intake
from kit.models import ApiToken, User
from tests.tracing.posting import MANY, ONE, Post, event, problem
from tests.tracing.spanning import as_json, span
from tracing.models import Event
from tracing.receivers import pace

pytestmark = pytest.mark.django_db(transaction=True)
SIZE = 64 * KIB
NOISE = random.Random(1).randbytes(SIZE)  # gzip makes it no smaller
GZIP = {"content-encoding": "gzip"}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small = Intake(
        body_bytes=SIZE, inflated_bytes=2 * SIZE, event_bytes=SIZE, otlp_bytes=SIZE, batch_events=2
    )
    monkeypatch.setattr(limits, "intake", small)


def zipped(document: Any) -> bytes:
    return gzip.compress(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status"),
    [
        (b" " * SIZE, ONE, {}, 400),
        (b" " * (SIZE + 1), ONE, {}, 413),
        (b" " * (SIZE + 1), MANY, {}, 413),
        (gzip.compress(b" " * SIZE), ONE, GZIP, 400),
        (gzip.compress(b" " * (SIZE + 1)), ONE, GZIP, 413),
        (gzip.compress(b" " * 2 * SIZE), MANY, GZIP, 400),
        (gzip.compress(b" " * (2 * SIZE + 1)), MANY, GZIP, 413),
        (gzip.compress(NOISE), MANY, GZIP, 413),  # as it is sent, with the header of gzip
        (zipped([event("1", data="x" * SIZE)]), MANY, GZIP, 413),
        ([event("1"), event("2"), event("3")], MANY, {}, 413),
    ],
)
def test_sizes(post: Post, body: Any, kind: str, headers: dict[str, str], status: int) -> None:
    problem(post(body, kind, **headers), status)


def test_up_to_the_limits_is_taken(post: Post) -> None:
    halves = [event(str(number), data="x" * (SIZE - KIB)) for number in range(2)]
    assert post(zipped(halves), MANY, **GZIP).json() == {"accepted": 2, "duplicates": 0}
    assert post(event("3", data="x" * (SIZE - KIB))).json()["accepted"] == 1


def test_otlp(token: str) -> None:
    body = as_json(span("producer", 1, messaging__destination__name="orders"))
    sent = body + b" " * (SIZE - len(body))
    assert trace(token, sent).status_code == 200
    assert trace(token, sent + b" ").status_code == 413
    assert trace(token, gzip.compress(sent + b" "), **GZIP).status_code == 413


def trace(token: str, body: bytes, **headers: str) -> Any:
    named = {"authorization": f"Bearer {token}", **headers}
    return Client().post("/v1/traces", body, content_type="application/json", headers=named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INTAKE_EVENT_BYTES", "1000"),  # 64 KiB must be taken
        ("INTAKE_BODY_BYTES", "4M"),
        ("INTAKE_NESTING", "100000"),
        ("INTAKE_EVENTS_PER_S", "-1"),
        ("INTAKE_BURST", "0"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=f"{name} is wrong.*docs/events.md"):
        environment.intake(tmp_path)


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INTAKE_EVENTS_PER_S", "2.5")
    (tmp_path / "environment").write_text("INTAKE_BATCH_EVENTS=7\n")
    assert environment.intake(tmp_path) == Intake(events_per_s=2.5, batch_events=7)


def test_who_sends_too_fast_is_told_when_to_come_again(
    post: Post, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "intake", Intake(events_per_s=0.5, burst=2))
    monkeypatch.setattr(pace, "_paces", {})
    assert post([event("1"), event("2"), event("3")], MANY).status_code == 202
    answer = post(event("4"))
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert answer["Retry-After"] == "2"
    answer = trace(token, b"{}")
    assert (answer.status_code, answer["Retry-After"]) == (429, "2")
    assert Event.objects.count() == 3
    other = ApiToken.issue(User.objects.get(), "other", ["ingest"])[1]
    assert post(event("4"), authorization=f"Bearer {other}").status_code == 202


def shake(origin: str | None, **headers: str) -> Any:
    named = headers if origin is None else {"webhook-request-origin": origin, **headers}
    return Client().options("/api/events", headers=named)


@pytest.mark.parametrize(
    ("allowed", "origin", "granted"),
    [
        (["eventemitter.example.com"], "eventemitter.example.com", "eventemitter.example.com"),
        (["a.example", "b.example"], "B.Example", "b.example"),
        (["*"], "anyone.example", "*"),
        (["a.example"], "b.example", None),
        (["a.example"], "x.a.example", None),
        ([], "a.example", None),
    ],
)
def test_handshake(settings: Any, allowed: list[str], origin: str, granted: str | None) -> None:
    settings.WEBHOOK_ORIGINS = frozenset(allowed)
    answer = shake(origin, **{"webhook-request-rate": "120"})
    assert answer["Allow"] == "OPTIONS, POST"
    assert answer.get("WebHook-Allowed-Origin") == granted
    assert answer.get("WebHook-Allowed-Rate") == ("*" if granted else None)
    assert answer.status_code == (204 if granted else 403)


def test_the_handshake_tells_the_rate(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_ORIGINS = frozenset({"a.example"})
    for rate, told in ((2.0, "120"), (0.001, "1")):
        monkeypatch.setattr(limits, "intake", Intake(events_per_s=rate))
        assert shake("a.example")["WebHook-Allowed-Rate"] == told


def test_options_without_an_origin_asks_for_methods() -> None:
    answer = shake(None)
    assert (answer.status_code, answer["Allow"]) == (204, "OPTIONS, POST")
    assert "WebHook-Allowed-Origin" not in answer
