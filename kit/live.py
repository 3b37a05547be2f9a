"""A page and its regions from one view: the page in full, or the one region that is asked for.

A polled region answers 304 while nothing in it changed. What only the clock moves ("6 s ago",
kept current by static/js/time.js) and the CSRF token are left out of the comparison.
"""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

_MOVING = re.compile(
    rb"(?<= data-ago>)[^<]*(?=</time>)|(?<=name=\"csrfmiddlewaretoken\" value=\")[^\"]*"
)


def wanted_region(request: HttpRequest, regions: Mapping[str, str]) -> str | None:
    """The template of the region that htmx asks for, by the id of its target; None: the page.

    `HX-Request` alone is no sign: Back asks for the whole page with it.
    """
    if request.headers.get("HX-Request-Type") != "partial":
        return None
    _, _, target = request.headers.get("HX-Target", "").partition("#")
    return regions.get(unquote(target))


def respond(
    request: HttpRequest,
    page: str,
    regions: Mapping[str, str],
    context: Mapping[str, Any],
    status: int = 200,
) -> HttpResponse:
    """The page, or the region named by HX-Target; `regions`: id of the element -> its template.

    Answers 304 when the region is the one that the client's HX-PTag stands for. Use status 422
    for a form with errors.
    """
    region = wanted_region(request, regions)
    response = render(request, region or page, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request-Type", "HX-Target"])
    if region is None or status != 200:
        return response
    tag = blake2b(_MOVING.sub(b"", response.content), digest_size=12).hexdigest()
    if request.headers.get("HX-PTag") == tag:
        response = HttpResponse(status=304)
        patch_vary_headers(response, ["HX-Request-Type", "HX-Target"])
    response["HX-PTag"] = tag
    return response
