"""The editor of a letter: payload and headers, checked by the server, kept as a revision."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from dlq import editing, payloads
from dlq.editing import EditError
from dlq.models import Letter
from dlq.views.letters import base, found_letter
from dlq.words import LetterState
from kit.live import respond
from kit.permissions import Permission
from kit.security import actor, person, require

REGIONS = {"edit": "dlq/_edit.html"}
SPARE = 3  # empty lines for new headers


@require_http_methods(["GET", "HEAD", "POST"])
@require(Permission.EDIT)
def edit(request: HttpRequest, letter_id: int) -> HttpResponse:
    """The form; POST checks it, and keeps the revision unless only a preview was asked for."""
    letter = found_letter(letter_id)
    if request.method != "POST":
        return _page(request, letter, _values(letter))
    values = _given(request, letter)
    payload = values["payload"] if values["is_text"] else None
    try:
        if request.POST.get("action") == "preview":
            shown = editing.preview(letter, payload, values["headers"])
            return _page(request, letter, values | {"preview": shown})
        editing.revise(
            letter,
            payload,
            values["headers"],
            values["reason"],
            actor(request),
            user=person(request),
            version=values["version"],
        )
    except EditError as error:
        return _page(request, letter, values | {"error": error}, status=422)
    messages.success(request, "The revision is kept. A replay sends it; the original stays.")
    return _to(request, reverse("dlq:letter", args=[letter_id]))


def _page(
    request: HttpRequest, letter: Letter, values: dict[str, Any], status: int = 200
) -> HttpResponse:
    context = base(request, letter) | {
        "edit": values,
        "original": payloads.editable(_payload(letter)) or "",
        "is_json": payloads.is_json(_payload(letter)) or "json" in letter.content_type.lower(),
        "can_save": letter.state == LetterState.DEAD,
    }
    # no cache keeps the real values
    response = respond(request, "dlq/edit.html", REGIONS, context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _values(letter: Letter) -> dict[str, Any]:
    """What the form begins with: the newest revision, unmasked, for those who may edit."""
    now = editing.content(letter)
    text = payloads.editable(now.payload)
    return {
        "payload": text or "",
        "is_text": text is not None,
        "headers": now.headers,
        "lines": _lines(letter, now.headers),
        "reason": "",
        "version": letter.version,
        "number": now.revision.number if now.revision else 0,
    }


def _given(request: HttpRequest, letter: Letter) -> dict[str, Any]:
    """What was posted. Locked headers are not the form's to give: they stay as they are."""
    names = [name.strip() for name in request.POST.getlist("header_name")]
    texts = request.POST.getlist("header_value")
    headers = {name: text for name, text in zip(names, texts, strict=False) if name and text}
    for name in editing.LOCKED:
        if name in letter.headers:
            headers.setdefault(name, letter.headers[name])
    begun = request.POST.get("version", "")
    return _values(letter) | {
        "payload": request.POST.get("payload", ""),
        "headers": headers,
        "lines": _lines(letter, headers),
        "reason": request.POST.get("reason", ""),
        "version": int(begun) if begun.isascii() and begun.isdigit() else 0,
    }


def _lines(letter: Letter, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The headers as lines of the form, locked ones first, a few empty ones last."""
    locked = editing.locked(letter)
    lines = [
        {"name": name, "value": value, "locked": name in locked}
        for name, value in sorted(headers.items(), key=lambda pair: (pair[0] not in locked, pair))
    ]
    return [*lines, *({"name": "", "value": "", "locked": False} for _ in range(SPARE))]


def _payload(letter: Letter) -> bytes | None:
    return None if letter.payload is None else bytes(letter.payload)


def _to(request: HttpRequest, url: str) -> HttpResponse:
    """On to another page, also when the form was sent by htmx."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponse(status=302, headers={"Location": url})
