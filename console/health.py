"""`/healthz`: this process answers. `/readyz`: what is not ready, by name."""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

import lag.queries
from brokers import config
from kit import clock
from kit.formats import age
from lag.evaluate import Verdict
from tracing import cursors
from tracing.models import Watch

SAMPLED_WITHIN = timedelta(seconds=30)  # rounds come every 5 s
REDIS_TIMEOUT_S = 2
HALTED = {Verdict.STALLED, Verdict.STOPPED}


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as this process can answer at all."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything is ready, else 503; each part is "ok" or says what is wrong."""
    parts = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in parts.values())
    not_ready = [name for name, answer in parts.items() if answer != "ok"]
    document = {"ready": ready, "not_ready": not_ready, "parts": parts}
    return JsonResponse(document, status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "unknown: the database does not answer"
    return f"{len(plan)} to run: ./manage.py migrate" if plan else "ok"


def _redis() -> str:
    return _ping(settings.REDIS_URL)


def _transport() -> str:
    return _ping(settings.CELERY_BROKER_URL)


def _ping(url: str) -> str:
    timeouts = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
    try:
        with redis.Redis.from_url(url, **timeouts) as client:
            client.ping()
    except (redis.RedisError, ValueError):
        return "does not answer"
    return "ok"


def _sampler() -> str:
    """Beat, the transport and the sampling worker in one: a round ended lately."""
    try:
        if not config.current().brokers:
            return "ok"  # nothing to sample
        newest = lag.queries.newest_round()
    except config.ConfigError as error:
        return str(error)
    except DatabaseError:
        return "unknown: the database does not answer"
    if newest is None:
        return "no round yet"
    since = clock.now() - newest
    return "ok" if since <= SAMPLED_WITHIN else f"last round {age(since.total_seconds())} ago"


def _tap() -> str:
    """By its own consumer group, as any other consumer is judged; else by who holds the broker."""
    try:
        brokers = [broker for broker in config.current().brokers if not broker.hidden]
        halted = [
            row.topic
            for row in lag.queries.troubled()
            if row.consumer == config.TAP_GROUP and row.verdict in HALTED
        ]
        held = {name for name, watch in cursors.watches().items() if _is_held(watch)}
    except config.ConfigError as error:
        return str(error)
    except DatabaseError:
        return "unknown: the database does not answer"
    if halted and any(broker.tap for broker in brokers):
        return f"takes nothing in from {', '.join(sorted(halted))}"
    idle = sorted(one.name for one in brokers if not one.tap and one.name not in held)
    return f"nobody reads {', '.join(idle)}" if idle else "ok"


def _is_held(watch: Watch) -> bool:
    return watch.held_until > clock.now() - cursors.HELD_FOR


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "transport": _transport,
    "sampler": _sampler,
    "tap": _tap,
}
