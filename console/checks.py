"""What must be right before a start: numbered, each with a hint."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connection

from brokers import config
from console.settings import ENV

WAL_BYTES = 256 * 1024 * 1024
KEY_LENGTH = 32


@register(Tags.security)
def secret_key(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """console.E001: without a key nobody can log in."""
    if len(ENV.secret_key) >= KEY_LENGTH:
        return []
    hint = "start with ./manage.py up, which keeps one in the state directory, or set SECRET_KEY"
    return [Error("SECRET_KEY is missing or shorter than 32", hint=hint, id="console.E001")]


@register(Tags.files)
def state_directory(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """console.E002: the state directory can be written."""
    home = settings.CONSOLE_HOME
    if not home.exists() or os.access(home, os.W_OK):
        return []
    hint = "name another with CONSOLE_HOME, or give this user the right to write there"
    return [Error(f"{home} cannot be written", hint=hint, id="console.E002")]


@register()
def systems(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """console.E003: console.toml (or BROKER) can be read."""
    try:
        config.current()
    except config.ConfigError as error:
        return [Error(str(error), hint="see docs/redis-streams.md", id="console.E003")]
    return []


@register(Tags.database)
def write_ahead_log(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """console.W004: an open reader keeps SQLite's log from being folded back."""
    if connection.vendor != "sqlite":
        return []
    log = settings.CONSOLE_HOME / "console.sqlite3-wal"
    if not log.exists() or log.stat().st_size < WAL_BYTES:
        return []
    hint = "a process keeps a read open; restart the console, or move to PostgreSQL"
    return [Warning(f"{log.name} has grown past 256 MiB", hint=hint, id="console.W004")]
