"""What every page's shell shows: navigation counts, the demo banner, the state of the data."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

import dlq.queries
import lag.queries
from console import demo


def shell(request: HttpRequest) -> dict[str, Any]:
    """`nav` and `incidents`, both lazy: no query on pages that do not show them; and `demo`."""
    return {
        "nav": SimpleLazyObject(_nav),
        "demo": settings.DEMO,
        "incidents": SimpleLazyObject(demo.state),
    }


def _nav() -> dict[str, int]:
    _, letters = dlq.queries.open_counts()
    return {"dead_letters": letters, "lag": lag.queries.trouble_count()}
