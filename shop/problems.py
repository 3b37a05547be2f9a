"""Errors of the order service as problem documents (RFC 9457), from a cause to bytes. Pure."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from shop.domain import Fault

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """What a client did wrong, or why the service cannot serve: status, detail, faults."""

    def __init__(self, status: HTTPStatus, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)

    def document(self) -> bytes:
        """The problem as JSON."""
        return msgspec.json.encode(
            {
                "type": "about:blank",
                "title": self.status.phrase,
                "status": self.status.value,
                "detail": self.detail,
                "errors": [{"path": f.path, "reason": f.reason} for f in self.faults],
            }
        )


def not_an_order(error: msgspec.ValidationError) -> Problem:
    """msgspec names the place as `- at `$.items[0].sku``; clients get it as a JSON pointer."""
    reason, _, place = str(error).partition(" - at `")
    path = place.rstrip("`").removeprefix("$").replace("[", ".").replace("]", "")
    fault = Fault(path.replace(".", "/"), reason)
    detail = "The body is no order: see errors."
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [fault])
