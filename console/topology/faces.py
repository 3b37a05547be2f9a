"""How a node of the topology looks: icon, tone and words, the same on the map and in the table."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from console.topology.gather import Deaths, System
from console.topology.graph import Kind, Place
from kit import formats
from kit.marks import mark
from lag.models import Standing

NAME, WORDS = 13, 17  # characters there is room for in a node


@dataclass(frozen=True, slots=True)
class Face:
    """A node in words; `pill` is what hangs under it."""

    icon: str
    tone: str  # "" where nothing is to be said by colour
    words: str
    url: str
    pill: str = ""
    pill_tone: str = ""
    pill_url: str = ""


def face(system: System, place: Place) -> Face:
    """How this node looks."""
    if place.kind is Kind.SERVICE:
        types = [one for link in system.links if link.origin == place for one in link.types]
        query = urlencode({"type": types[0]}) if types else ""
        return Face("server-2", "", "service", f"{reverse('tracing:orders')}?{query}")
    if place.kind is Kind.TOPIC:
        number = system.partitions.get(place)
        words = formats.plural(number, "partition") if number else "no broker sampled"
        query = urlencode({"q": place.name})
        return Face("stack-2", "", words, f"{reverse('lag:lag')}?{query}")
    return _consumer(system, place)


def title(place: Place) -> str:
    """What a node is called: a service by the end of its source."""
    if place.kind is Kind.SERVICE:
        return place.name.rstrip("/").rpartition("/")[2] or place.name
    return place.name


def short(text: str, room: int) -> str:
    """As much of it as there is room for."""
    return text if len(text) <= room else f"{text[: room - 2]}…"


def _consumer(system: System, place: Place) -> Face:
    standing = system.standings.get(place)
    deaths = system.deaths.get(place, Deaths())
    icon, tone, words = _standing(standing)
    if deaths.per_minute and tone != "bad":
        icon, tone, words = "circle-x", "bad", _dying(deaths, system.handled.get(place))
    letters = reverse("dlq:groups") + "?" + urlencode({"consumer": place.name})
    return Face(
        icon=icon,
        tone=tone,
        words=words,
        url=_lag_url(standing) if standing else reverse("lag:lag"),
        pill=_pill(deaths),
        pill_tone="bad" if deaths.per_minute else "",
        pill_url=letters,
    )


def _standing(standing: Standing | None) -> tuple[str, str, str]:
    if standing is None:
        return "help-circle", "idle", "lag unknown"
    shown, age = mark(standing.verdict), formats.age(standing.oldest_s)
    waits = standing.oldest_s is not None and standing.oldest_s >= 1
    words = {
        "ok": f"keeps up, {age}" if waits else "keeps up",
        "falling_behind": f"{age} behind" if waits else "falling behind",
        "stalled": f"stalled, {age}" if waits else "stalled",
        "stopped": f"stopped, {age}" if waits else "stopped",
        "unknown": "lag unknown",
    }
    return shown.icon, shown.tone, words.get(standing.verdict, shown.word.lower())


def _dying(deaths: Deaths, handled: float | None) -> str:
    """`15 % dies` of what it handles now, else how many a minute."""
    if handled and 0.01 <= deaths.per_minute / handled <= 1:
        return f"{formats.share(deaths.per_minute, handled)} dies"
    return f"{formats.rate(deaths.per_minute)}/min dies"


def _pill(deaths: Deaths) -> str:
    if not deaths.letters:
        return ""
    now = f", {formats.rate(deaths.per_minute)}/min" if deaths.per_minute else ""
    return f"{formats.count(deaths.letters)} dead{now}"


def _lag_url(standing: Standing) -> str:
    key = f"{standing.broker}/{standing.topic}/{standing.consumer}"
    return reverse("lag:lag") + "?" + urlencode({"open": key})
