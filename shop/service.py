"""The order service: takes an order over HTTP, publishes OrderPlaced, knows no consumer."""

import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from redis.exceptions import RedisError

from cascade_client import TransportError
from shop.acceptance import Acceptance, KeyReusedError, Receipt
from shop.domain import Order, faults
from shop.problems import MEDIA_TYPE, Problem, not_an_order

BODY_LIMIT = 64 * 1024  # bytes; the largest order we send ourselves has under 1 KiB
KEY_LIMIT = 200  # characters of an Idempotency-Key

log = logging.getLogger(__name__)
Environ = dict[str, Any]


class StartResponse(Protocol):
    """WSGI's start_response, as far as we use it."""

    def __call__(self, status: str, headers: list[tuple[str, str]], /) -> object:
        """Begin an answer."""


class OrderService:
    """The WSGI application."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._acceptance = acceptance
        self._routes: dict[str, tuple[str, Callable[[Environ], tuple[HTTPStatus, bytes]]]] = {
            "/orders": ("POST", self._place),
            "/healthz": ("GET", self._health),
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; whatever goes wrong is a problem document."""
        headers: list[tuple[str, str]] = []
        media_type = "application/json"
        try:
            status, body = self._route(environ, headers)
        except Problem as problem:
            status, body, media_type = problem.status, problem.document(), MEDIA_TYPE
        except (RedisError, TransportError):
            # Nothing is known of the publish: the client repeats with its Idempotency-Key.
            log.exception("the broker did not confirm")
            status, media_type = HTTPStatus.SERVICE_UNAVAILABLE, MEDIA_TYPE
            body = Problem(status, "The broker did not confirm; please repeat.").document()
            headers.append(("Retry-After", "1"))
        headers += [("Content-Type", media_type), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _route(self, environ: Environ, headers: list[tuple[str, str]]) -> tuple[HTTPStatus, bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if path not in self._routes:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no {path}.")
        allowed, answer = self._routes[path]
        if method != allowed:
            headers.append(("Allow", allowed))
            raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, f"{path} takes {allowed} only.")
        return answer(environ)

    def _place(self, environ: Environ) -> tuple[HTTPStatus, bytes]:
        order = _read_order(environ)
        key = environ.get("HTTP_IDEMPOTENCY_KEY", "")
        if len(key) > KEY_LIMIT:
            raise Problem(
                HTTPStatus.BAD_REQUEST, f"Idempotency-Key is longer than {KEY_LIMIT} characters."
            )
        try:
            receipt: Receipt = self._acceptance.accept(order, key)
        except KeyReusedError as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        return HTTPStatus.ACCEPTED, msgspec.json.encode(receipt)

    def _health(self, _environ: Environ) -> tuple[HTTPStatus, bytes]:
        self._acceptance.check()
        return HTTPStatus.OK, b'{"status":"ok"}'


def _read_order(environ: Environ) -> Order:
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the order as application/json.")
    body = environ["wsgi.input"].read(BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        detail = f"An order has at most {BODY_LIMIT} bytes."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    try:
        order = msgspec.json.decode(body, type=Order)
    except msgspec.ValidationError as error:
        raise not_an_order(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.") from error
    if found := faults(order):
        detail = "The order does not add up: see errors."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, found)
    return order
