"""The environment, parsed strictly: a wrong value stops the start with its name and a hint.

A value comes from the process environment, else from the file `environment` in the state
directory, which `./manage.py up` writes (mode 0600) so that a second terminal speaks to the
same Redis and database (docs/adr/0003-processes.md).
"""

import os
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from django.core.exceptions import ImproperlyConfigured

from kit.limits import Intake

S = TypeVar("S", bound=msgspec.Struct)
Url = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9+]*://.+")]

HINTS = {
    **dict.fromkeys(Intake.__struct_encode_fields__, "see the limits in docs/events.md"),
    "DATABASE_URL": "for example postgresql://user:password@127.0.0.1:5432/console",
    "REDIS_URL": "for example redis://127.0.0.1:6379/0",
    "CELERY_BROKER_URL": "for example redis://127.0.0.1:6379/1",
    "BROKER": "for example redis://127.0.0.1:6379/0",
    "PUBLIC_URL": "the address people open, for example https://console.example.org",
    "DEBUG": "true or false",
    "WEBHOOK_ORIGINS": "host names with commas between, or *",
    "TAPS": "how many processes take in, 1 to 16",
    "METRICS_OPEN": "true (scrape without a token) or false (bearer token with scope read)",
}


class Environment(msgspec.Struct, frozen=True, rename="upper", kw_only=True):
    """What the console reads from its environment (DESIGN, contract)."""

    secret_key: Annotated[str, msgspec.Meta(min_length=32)] = ""
    database_url: Url | None = None
    redis_url: Url = "redis://127.0.0.1:6379/0"
    celery_broker_url: Url | None = None
    broker: Url | None = None
    console_config: str | None = None
    console_home: str = "var"
    allowed_hosts: str = "127.0.0.1,localhost"
    public_url: Url = "http://127.0.0.1:8000"
    metrics_open: bool = True
    webhook_origins: str = ""
    taps: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    debug: bool = False
    demo: bool = False
    shop_redis_url: Url | None = None
    otel_exporter_otlp_endpoint: Url | None = None


def state_directory(base: Path) -> Path:
    """The state directory (CONSOLE_HOME), absolute; a relative one is meant from `base`."""
    return (base / os.environ.get("CONSOLE_HOME", "var")).resolve()


def saved(home: Path) -> dict[str, str]:
    """The values `up` wrote for this state directory, one NAME=value a line."""
    path = home / "environment"
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def load(home: Path) -> Environment:
    """The parsed environment. Raises ImproperlyConfigured naming the variable and a hint."""
    return _parsed(Environment, home)


def intake(home: Path) -> Intake:
    """The limits of taking in. Raises ImproperlyConfigured naming the variable and a hint."""
    return _parsed(Intake, home)


def _parsed(kind: type[S], home: Path) -> S:
    names = {field.encode_name for field in msgspec.structs.fields(kind)}
    merged = {**saved(home), **os.environ}
    values = {name: merged[name] for name in names if merged.get(name)}
    for name in sorted(values):
        _convert(kind, {name: values[name]}, name)
    return _convert(kind, values, "the environment")


def _convert(kind: type[S], values: dict[str, str], name: str) -> S:
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        hint = HINTS.get(name, "see the table in README.md")
        raise ImproperlyConfigured(f"{name} is wrong ({error}); {hint}") from error
