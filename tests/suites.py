"""`python -m tests.suites NAME`: the suites behind make, with a summary a person can read.

What cannot run on this machine is named with its reason; REQUIRE_ALL=1 makes that a failure.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import provide
from tests.support.postgres_server import PostgresServer

PYTEST = (sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider")
QUICK = "not faults and not e2e"


@dataclass
class Account:
    """What ran, how it ended, and what was left out."""

    rows: list[tuple[str, bool, float]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def run(
        self,
        title: str,
        words: tuple[str, ...],
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> str:
        """One step; its output goes to the terminal, or is answered and shown if it failed."""
        print(f"\n== {title}", flush=True)  # noqa: T201
        began = time.monotonic()
        out = subprocess.PIPE if quiet else None
        answer = subprocess.run(
            words, env={**os.environ, **(environment or {})}, check=False, stdout=out, text=True
        )
        passed = answer.returncode == 0
        if quiet and not passed:
            print(answer.stdout)  # noqa: T201
        self.rows.append((title, passed, time.monotonic() - began))
        return answer.stdout or ""

    def leave_out(self, what: str, reason: str) -> None:
        """Name what could not run."""
        self.left_out.append(f"{what}: {reason}")

    def close(self) -> int:
        """Print the summary; the exit code."""
        print("\n== summary")  # noqa: T201
        for title, passed, seconds in self.rows:
            print(f"{'passed' if passed else 'FAILED'}  {seconds:5.0f} s  {title}")  # noqa: T201
        for line in self.left_out:
            print(f"left out         {line}")  # noqa: T201
        for line in self.notes:
            print(f"note             {line}")  # noqa: T201
        failed = not all(passed for _, passed, _ in self.rows)
        missing = bool(self.left_out) and os.environ.get("REQUIRE_ALL") == "1"
        return 1 if failed or missing else 0


def test(account: Account) -> None:
    """Everything quick: both databases, then what depends on the server on Redis 7."""
    tools = {
        "PROMTOOL": provide.optional(account, "promtool") or "",
        "NODE_PACKAGES": provide.optional(account, "node_packages") or "",
    }
    account.run("tests on SQLite and Redis 6.2", (*PYTEST, "-m", QUICK), tools)
    with PostgresServer() as server:
        database = server.database("console")
        account.run(
            "tests on PostgreSQL 18",
            (*PYTEST, "-m", QUICK),
            {"DATABASE_URL": database, **tools},
        )
    newer = provide.optional(account, "redis7")
    if newer:
        contracts = (*PYTEST, "-m", QUICK, "tests/contracts", "tests/lag", "tests/dlq")
        account.run("lag and replay on Redis 7", contracts, {"REDIS_SERVER": newer})


def faults(account: Account) -> None:
    """Processes are killed while orders flow."""
    account.run("kill -9 of every process", (*PYTEST, "-m", "faults", "tests/faults"))


def e2e(account: Account) -> None:
    """The operator's job in a real browser."""
    if browser := provide.optional(account, "chromium"):
        words = (*PYTEST, "-m", "e2e", "tests/e2e")
        account.run("the operator's job in Chromium", words, {"CHROMIUM": browser})


def check(account: Account) -> None:
    """Format, lint, types, import rules, templates, migrations, settings, dependencies."""
    python = (sys.executable, "-m")
    manage = (sys.executable, "manage.py")
    key = {"SECRET_KEY": "check-" + "x" * 60, "CONSOLE_HOME": "var/check"}
    account.run("format", (*python, "ruff", "format", "--check", "."))
    account.run("lint", (*python, "ruff", "check", "."))
    account.run("types", (*python, "mypy", "."), key)
    account.run("who may import whom", (str(Path(sys.executable).with_name("lint-imports")),))
    account.run("templates", (*python, "djlint", "templates", "--lint", "--quiet"))
    account.run("migrations", (*manage, "makemigrations", "--check", "--dry-run"), key)
    deploy = {"PUBLIC_URL": "https://console.example.org"}
    strict = (*manage, "check", "--deploy", "--fail-level", "WARNING")
    account.run("settings", strict, {**key, **deploy})
    account.run("dependencies agree", (*python, "pip", "check"))
    audit = ("pip_audit", "-r", "requirements.txt", "--no-deps", "--disable-pip")
    answer = account.run(
        "known vulnerabilities", (*python, *audit, "--progress-spinner=off"), quiet=True
    )
    skipped = answer.count("could not be audited")
    if skipped:
        account.notes.append(f"known vulnerabilities: {skipped} pins have no advisories here")


SUITES: dict[str, Callable[[Account], None]] = {
    "test": test,
    "faults": faults,
    "e2e": e2e,
    "check": check,
}


def main() -> int:
    """Run the named suites one after the other."""
    account = Account()
    for name in sys.argv[1:]:
        SUITES[name](account)
    return account.close()


if __name__ == "__main__":
    sys.exit(main())
