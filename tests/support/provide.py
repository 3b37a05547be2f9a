"""What tests use beyond pip: found on the machine, else fetched, else left out by name.

Debian's packages are unpacked under var/tools without being installed, npm's are installed there;
only Chromium is installed on the machine.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

TOOLS = Path(__file__).resolve().parents[2] / "var" / "tools"
REDIS_PACKAGES = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1", "liblua5.1-0")
NODE = Path(__file__).resolve().parent / "node"  # which packages of npm: package-lock.json
REDIS_LUA = ("lua-bitop", "lua-cjson")


class LeavesOut(Protocol):
    """Whoever keeps the account of what could not run."""

    def leave_out(self, what: str, reason: str) -> None:
        """Name it."""


def optional(account: LeavesOut, name: str) -> str | None:
    """The path of a tool, or None after telling the account why it is not there."""
    try:
        return PROVIDERS[name]()
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", "") or str(error)
        lines = detail.strip().splitlines() or ["not there"]
        account.leave_out(name, f"{lines[-1]} ({NEEDS.get(name, 'needs Debian’s packages')})")
        return None


def chromium() -> str:
    """A Chromium on this machine; raises OSError or CalledProcessError."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    if os.geteuid() != 0:
        raise OSError("no Chromium found, and only root may install one")
    _apt("update", "-qq")
    _apt("install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core")
    return shutil.which("chromium") or _missing("chromium")


def redis7() -> str:
    """A Redis 7 server; raises OSError or CalledProcessError."""
    folder = TOOLS / "redis7"
    start = folder / "redis-server"
    if not start.exists():
        _unpack((*REDIS_PACKAGES, *REDIS_LUA), folder)
        libraries = sorted({str(path.parent) for path in folder.rglob("*.so*")})
        server = folder / "usr" / "bin" / "redis-server"
        start.write_text(
            f'#!/bin/sh\nLD_LIBRARY_PATH="{":".join(libraries)}" exec "{server}" "$@"\n'
        )
        start.chmod(0o755)
    _run(str(start), "--version")
    return str(start)


def promtool() -> str:
    """Prometheus's checker; raises OSError or CalledProcessError."""
    if found := shutil.which("promtool"):
        return found
    folder = TOOLS / "prometheus"
    tool = folder / "usr" / "bin" / "promtool"
    if not tool.exists():
        _unpack(("prometheus",), folder)
    _run(str(tool), "--version")
    return str(tool)


def node_packages() -> str:
    """A folder from which node finds the packages of tests/support/node.

    Raises OSError or CalledProcessError.
    """
    if shutil.which("npm") is None:
        raise OSError("no npm here")
    folder = TOOLS / "node"
    wanted = (NODE / "package-lock.json").read_bytes()
    there = folder / "package-lock.json"
    if not (folder / "node_modules").is_dir() or there.read_bytes() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(NODE / name, folder / name)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    return str(folder)


NEEDS = {"chromium": "needs root", "node_packages": "needs node, npm and its registry"}
PROVIDERS: dict[str, Callable[[], str]] = {
    "chromium": chromium,
    "redis7": redis7,
    "promtool": promtool,
    "node_packages": node_packages,
}


def _unpack(packages: tuple[str, ...], folder: Path) -> None:
    if shutil.which("apt-get") is None:
        raise OSError("no apt-get here")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _download(packages, folder)
    except subprocess.CalledProcessError:
        _apt("update", "-qq")
        _download(packages, folder)
    for package in folder.glob("*.deb"):
        _run("dpkg", "-x", str(package), str(folder))
        package.unlink()


def _download(packages: tuple[str, ...], folder: Path) -> None:
    _apt("download", "-qq", *packages, cwd=folder)


def _apt(*words: str, cwd: Path | None = None) -> None:
    _run("apt-get", *words, cwd=cwd, DEBIAN_FRONTEND="noninteractive")


def _run(*words: str, cwd: Path | None = None, **environment: str) -> None:
    subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
        text=True,
    )


def _missing(name: str) -> str:
    raise OSError(f"{name} was installed but is not on the path")
