"""Streams of a broker and how each is read; a mapping of one, tried before it is saved."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from brokers import config as configuration
from brokers.config import PLACES, BrokerConfig
from brokers.connect import connect
from brokers.contract import BrokerError, Entry, Role
from brokers.discovery import role_of
from console.mappings import form, saved, trial
from console.mappings.form import Form
from console.mappings.saved import Effective, Refused
from console.models import StreamMapping
from kit.live import respond, wanted_region
from kit.permissions import Permission
from kit.security import actor, allow, person, require
from tracing.envelope.suggest import SAMPLES, Suggestion

STREAMS_SHOWN = 300
REGIONS = {"tried": "console/_tried.html"}
WORDS = {
    "id": ("ID", "/id"),
    "source": ("Source", "=/shop/orders"),
    "type": ("Type", "/type"),
    "time": ("Time", "/occurred_at"),
    "correlation": ("Flow", "/correlation_id"),
    "causation": ("Caused by", "/causation_id"),
    "partition_key": ("Partition key", "/customer"),
    "subject": ("Subject", "/subject"),
    "body": ("Payload", "/payload"),
}


@require_GET
@require(Permission.READ)
def streams(request: HttpRequest, broker: str) -> HttpResponse:
    """The topic streams of a broker; `?q=` narrows them."""
    config = _configured(broker)
    wanted = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"section": "settings", "broker": broker, "rows": []}
    try:
        found = [s for s in connect(broker).streams() if s.role is Role.TOPIC and wanted in s.name]
    except BrokerError as error:
        context["error"] = str(error)
        found = []
    rules = saved.rules()
    shown = [(one, rules.mapping(broker, one.name)) for one in found[:STREAMS_SHOWN]]
    context |= {"rows": shown, "total": len(found), "hidden": config.hidden}
    regions = {"streams": "console/_streams.html"}
    return respond(request, "console/streams.html", regions, context)


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.READ)
def mapping(request: HttpRequest, broker: str, stream: str) -> HttpResponse:
    """The form and what it makes of the last messages; POST saves it."""
    role = role_of(stream, _configured(broker))
    if role is None or role.role is not Role.TOPIC:
        raise Http404(f"{broker} has no topic stream {stream} that is looked at")
    if request.method == "POST":
        return _save(request, broker, stream)
    return _page(
        request, broker, stream, form.typed(request.GET, broker) if _tries(request) else None
    )


@require_POST
@require(Permission.ADMIN)
def delete(request: HttpRequest, mapping_id: int) -> HttpResponse:
    """Take a saved mapping away."""
    row = get_object_or_404(StreamMapping, pk=mapping_id)
    saved.delete(row, actor=actor(request), user=person(request))
    messages.success(request, f"The mapping of {row.stream} is deleted. Stored events stay.")
    return redirect("console:streams", row.broker)


def _save(request: HttpRequest, broker: str, stream: str) -> HttpResponse:
    allow(request, Permission.ADMIN)
    given = form.typed(request.POST, broker)
    if given.mapping is None:
        return _page(request, broker, stream, given, status=422)
    try:
        saved.save(given.mapping, actor=actor(request), user=person(request))
    except Refused as error:
        wrong = Form(given.stream, given.places, given.keys, None, {"mapping": str(error)})
        return _page(request, broker, stream, wrong, status=422)
    messages.success(request, "The mapping is saved. It holds for what comes in from now on.")
    url = reverse("console:mapping", args=[broker, stream])
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return redirect(url)


def _page(
    request: HttpRequest, broker: str, stream: str, given: Form | None, status: int = 200
) -> HttpResponse:
    # while somebody types, only what is tried is read
    typing = wanted_region(request, REGIONS) is not None
    entries, error = _last(broker, stream, trial.TRIED if typing else SAMPLES)
    now = saved.effective(broker, stream)
    proposed = trial.proposal([] if typing else entries)
    shown = given or _begin(broker, stream, now, proposed)
    fixed = now is not None and now.row is None
    context = {
        "section": "settings",
        "broker": broker,
        "stream": stream,
        "now": now,
        "fixed": fixed,
        "form": shown,
        "fields": _fields(shown, proposed),
        "proposed": proposed,
        "keys_proposed": ", ".join(proposed.keys),
        "may_save": not fixed and person(request).may(Permission.ADMIN),
        "error": error,
        "formats": trial.formats([] if typing else entries),
        "samples": len(entries),
        **_tried(entries, shown),
    }
    return respond(request, "console/mapping.html", REGIONS, context, status=status)


def _tried(entries: list[Entry], shown: Form) -> dict[str, Any]:
    mapping = shown.mapping
    told = trial.attempt(entries, mapping, configuration.current().keys) if not shown.errors else []
    return {
        "tried": told,
        "misfits": sum(bool(one.note) for one in told),
        "toml": saved.toml(mapping) if mapping else "",
    }


def _begin(broker: str, stream: str, now: Effective | None, proposed: Suggestion) -> Form:
    """What the form begins with: the mapping in force, else the proposal."""
    if now is not None:
        return form.of_mapping(now.mapping)
    return form.of_mapping(proposed.mapping(broker, _pattern(broker, stream)))


def _pattern(broker: str, stream: str) -> str:
    """All partitions of the topic, where there are several; else the stream itself."""
    role = role_of(stream, _configured(broker))
    return f"{role.topic}.*" if role and role.topic != stream else stream


def _fields(shown: Form, proposed: Suggestion) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": WORDS[name][0],
            "placeholder": WORDS[name][1],
            "value": shown.places.get(name, ""),
            "proposed": proposed.fields.get(name),
            "error": shown.errors.get(name, ""),
        }
        for name in PLACES
    ]


def _last(broker: str, stream: str, count: int) -> tuple[list[Entry], str]:
    try:
        return connect(broker).latest(stream, count), ""
    except BrokerError as error:
        return [], str(error)


def _tries(request: HttpRequest) -> bool:
    """Whether a form was sent: else the URL is the bare page."""
    return "stream" in request.GET


def _configured(broker: str) -> BrokerConfig:
    for one in configuration.current().brokers:
        if one.name == broker:
            return one
    raise Http404(f"there is no broker {broker}")
