"""The demo's incidents, as the banner shows and switches them."""

from dataclasses import dataclass

import redis
from django.conf import settings

from kit import clock, deployments
from kit.models import User
from shop.incidents import PAYMENT_RELEASE, POISON, SLOW_ANALYTICS, Incidents


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong in the shop, in words."""

    name: str
    title: str
    fix: str  # what the button says
    started: str
    fixed: str
    service: str = ""  # what is deployed with it, and the broken and the mended release
    releases: tuple[str, str] = ("", "")


INCIDENTS = {
    incident.name: incident
    for incident in (
        Incident(
            PAYMENT_RELEASE,
            "payment 1.8.0 dies without a currency",
            "Deploy 1.8.1",
            "payment 1.8.0 deployed",
            "payment 1.8.1 deployed",
            "payment",
            ("1.8.0", "1.8.1"),
        ),
        Incident(
            SLOW_ANALYTICS,
            "analytics takes 8 s an event",
            "Speed it up",
            "analytics made slow",
            "analytics made fast again",
        ),
        Incident(
            POISON,
            "a supplier sends HTML",
            "Stop the supplier",
            "the supplier's feed broke",
            "the supplier's feed stopped",
        ),
    )
}


def state() -> list[tuple[Incident, bool]]:
    """Every incident and whether it is on; none when the shop's Redis does not answer."""
    try:
        on = _switches(settings.SHOP_REDIS_URL or "").all()
    except (redis.RedisError, ValueError):  # ValueError: no shop's address is known
        return []
    return [(incident, on.get(name, False)) for name, incident in INCIDENTS.items()]


def switch(name: str, on: bool) -> None:
    """Switch one incident; raises redis.RedisError."""
    _switches(settings.SHOP_REDIS_URL or "").switch(name, on)


def note_deployment(name: str, on: bool, *, actor: str, user: User | None) -> None:
    """A switch that deploys something is a deployment like any other."""
    incident = INCIDENTS.get(name)
    if incident and incident.service:
        release = incident.releases[0 if on else 1]
        deployments.record(incident.service, release, clock.now(), actor=actor, user=user)


def switch_all_on(url: str) -> None:
    """The demo begins with every incident; raises redis.RedisError."""
    switches = _switches(url)
    for name in INCIDENTS:
        switches.switch(name, True)


def _switches(url: str) -> Incidents:
    client = redis.Redis.from_url(url, socket_timeout=2, decode_responses=True)
    return Incidents(client)
