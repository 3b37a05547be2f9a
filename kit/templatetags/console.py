"""Template tags of every page: `{% load console %}`."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django import template
from django.template.loader import get_template
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit import clock, formats
from kit.drawing import small
from kit.marks import mark

register = template.Library()

for _name in ("money", "share", "duration", "age", "rate", "size", "short_id"):
    register.filter(_name, getattr(formats, _name))
for _name in ("clock_seconds", "trace_time"):
    register.filter(_name, getattr(formats, _name))

# section, URL, icon, word, whether it stays on a phone's bar
_PAGES = (
    ("overview", "console:overview", "layout-dashboard", "Overview", True),
    ("orders", "tracing:orders", "binary-tree-2", "Orders", True),
    ("topology", "console:topology", "affiliate", "Topology", False),
    ("lag", "lag:lag", "hourglass", "Lag", True),
    ("letters", "dlq:groups", "mail-x", "Dead letters", True),
    ("replays", "dlq:replays", "repeat", "Replays", False),
    ("audit", "console:audit", "history", "Audit", False),
    ("settings", "console:settings", "settings", "Settings", False),
)


@register.filter
def number(value: int | None) -> str:
    """`12,430`, or "unknown"."""
    return formats.count(value)


@register.simple_tag
def count(value: int | None, bounded: bool = False, estimated: bool = False) -> str:
    """A count that may be a lower bound or estimated: `{% count page.count estimated=… %}`."""
    return formats.count(value, bounded=bounded, estimated=estimated)


@register.simple_tag
def amount(value: Any, currency: str = "") -> str:
    """Money: `{% amount letter.amount letter.currency %}`."""
    return formats.money(value, currency)


@register.simple_tag
def plural(value: int | None, one: str, many: str = "") -> str:
    """`{% plural 3 "letter" %}`: `3 letters`."""
    return formats.plural(value, one, many)


@register.simple_tag
def percent(part: float | None, whole: float = 1.0, digits: int = 0) -> str:
    """`{% percent failed sent 1 %}`: `1.1 %`."""
    return formats.share(part, whole, digits)


@register.simple_tag
def when(moment: datetime | None, style: str = "list") -> SafeString | str:
    """A `<time>` with ISO and zone in its title; style: list, seconds, trace, ago.

    `ago` is kept current by static/js/time.js.
    """
    if moment is None:
        return formats.UNKNOWN
    text = _moment_text(moment, style)
    relative = SafeString(" data-ago") if style == "ago" else ""
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        clock.rfc3339(moment),
        formats.full_time(moment),
        relative,
        text,
    )


def _moment_text(moment: datetime, style: str) -> str:
    if style == "seconds":
        return formats.clock_seconds(moment)
    if style == "trace":
        return formats.trace_time(moment)
    if style == "ago":
        return formats.ago(moment, clock.now())
    return formats.clock_time(moment, clock.now())


@register.simple_tag
def icon(name: str, size: str = "", css: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers; size: "", sm, lg.

    Raises ValueError when the sprite has no such icon (frontend/icons.txt lists them).
    """
    if name not in _icons():
        raise ValueError(f"the icon sprite has no {name!r}; add it to frontend/icons.txt")
    classes = " ".join(part for part in ("i", f"i-{size}" if size else "", css) if part)
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#i-{}"/></svg>', classes, name
    )


@register.simple_tag
def state(name: str, word: str = "", badge: bool = False, size: str = "") -> SafeString:
    """A state as icon, word and colour; `badge` for the one beside a title, `word` another word."""
    shown = mark(name)
    spin = "spin" if shown.icon == "loader-2" else ""
    return format_html(
        '<span class="{}st {}">{}{}</span>',
        "badge " if badge else "",
        shown.tone,
        icon(shown.icon, size or ("sm" if badge else ""), spin),
        word or shown.word,
    )


@register.simple_tag
def ago_between(first: datetime, last: datetime) -> str:
    """How long from one moment to another: `4 min`."""
    return formats.age((last - first).total_seconds())


@register.filter
def tone(name: str) -> str:
    """The tone of a state as a class: bad, warn, run, ok, idle."""
    return mark(name).tone


@register.inclusion_tag("kit/sparkline.html")
def sparkline(
    values: Sequence[float | None], label: str, tone: str = "", top: float | None = None
) -> dict[str, Any]:
    """A line over equal steps of time, None where nothing is known; `label` says it in words."""
    return {"lines": small.sparkline(values, top), "label": label, "tone": tone}


@register.inclusion_tag("kit/trend.html")
def trend(values: Sequence[int], label: str, tone: str = "idle") -> dict[str, Any]:
    """Small bars over equal slots of time; `label` says it in words."""
    return {"bars": small.trend(values), "label": label, "tone": tone}


@register.inclusion_tag("kit/share_bar.html")
def share_bar(parts: Sequence[tuple[str, float]], label: str, height: int = 10) -> dict[str, Any]:
    """Parts of a whole side by side; each part is (fill, value), fill: work, pale, ok, bad, …"""
    return {"parts": small.shares(parts), "label": label, "height": height}


@register.simple_tag(takes_context=True)
def pages(context: template.Context) -> list[dict[str, Any]]:
    """The pages of the sidebar that exist in this installation, the present one marked."""
    found = []
    for section, name, icon_name, word, phone in _PAGES:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        here = context.get("section") == section
        found.append(
            {"section": section, "url": url, "icon": icon_name, "word": word, "phone": phone}
            | {"here": here}
        )
    return found


@cache
def _icons() -> frozenset[str]:
    sprite = get_template("kit/_icons.html").render()
    return frozenset(re.findall(r'id="i-([a-z0-9-]+)"', sprite))
