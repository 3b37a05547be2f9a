"""What one run of `up` tells its processes: names, addresses and secrets, as environment values."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from console.processes import ports
from console.processes.home import StateDirectory

# What a person may set for a run and all processes then share, a second terminal's too.
SHARED = ("DATABASE_URL", "CELERY_BROKER_URL", "BROKER", "CONSOLE_CONFIG", "ALLOWED_HOSTS")
SHOP = ("SHOP_RATE", "SHOP_NUMBER", "SHOP_SEED")


def console(home: StateDirectory, port: int, saved: dict[str, str]) -> dict[str, str]:
    """The console's own; `saved` is what the last run on this directory used."""
    return {
        **_given(SHARED),
        "CONSOLE_HOME": str(home.path),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or home.secret("key"),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL") or f"http://{ports.HOST}:{port}",
        "REDIS_URL": os.environ.get("REDIS_URL") or _own_redis(home, saved),
    }


def demo(home: StateDirectory, base: Path, redis_url: str, saved: dict[str, str]) -> dict[str, str]:
    """The shop's; it has database 2 of the same Redis, so that the console's own is not in view."""
    broker = urlsplit(redis_url)._replace(path="/2").geturl()
    return {
        **_given(SHOP),
        "DEMO": "true",
        "BROKER": broker,
        "CONSOLE_CONFIG": str(base / "shop" / "console.toml"),
        "SHOP_REDIS_URL": broker,
        "SHOP_HOME": str(home.path / "shop"),
        "SHOP_PORT": str(_same_or_free(saved.get("SHOP_PORT"))),
    }


def port_of(url: str) -> int:
    """The port a Redis URL names, or Redis's own."""
    return urlsplit(url).port or 6379


def _own_redis(home: StateDirectory, saved: dict[str, str]) -> str:
    last = saved.get("REDIS_URL")
    port = _same_or_free(str(port_of(last)) if last else None)
    return f"redis://:{home.secret('redis')}@{ports.HOST}:{port}/0"


def _same_or_free(last: str | None) -> int:
    """The last run's port if it is free, so that what a person noted down stays right."""
    if last and last.isdigit() and ports.is_free(int(last)):
        return int(last)
    return ports.free()


def _given(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if os.environ.get(name)}
