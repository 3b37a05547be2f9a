"""`python -m bench [RUN …]`: figures beside their raw limits, as a table and in var/bench.json."""

import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import cascade, lists, metrics, replay, retention, single, tap, taps

OUT = Path(__file__).resolve().parents[1] / "var" / "bench.json"
RUNS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "tap": tap.run,
    "taps": taps.run,
    "single": single.run,
    "cascade": cascade.run,
    "lists": lists.run,
    "metrics": metrics.run,
    "replay": replay.run,
    "retention": retention.run,
}
PACKAGES = ("Django", "redis", "hiredis", "psycopg", "msgspec", "granian")


def main(names: Sequence[str]) -> int:
    """Run these, or all, and print. A figure below its target is marked; machines are noisy, so
    no more: 1 is the answer where a run failed, 2 where a name is none.
    """
    unknown = sorted(set(names) - RUNS.keys())
    if unknown:
        print(f"no such run: {', '.join(unknown)}; there are {', '.join(RUNS)}", file=sys.stderr)
        return 2
    done = _before()
    failed = []
    print(f"{'what':<58} {'figure':>12} {'raw':>12} {'ratio':>6} {'target':>6}")
    for name in names or RUNS:
        try:
            rows = RUNS[name]()
        except subprocess.CalledProcessError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        done[name] = {"at": _now(), "load": os.getloadavg(), "rows": rows}
        _print(rows)
        _write(done)
    print(f"written to {OUT.relative_to(OUT.parents[1])}; load now {os.getloadavg()[0]:.1f}")
    return 1 if failed else 0


def _print(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        line = f"{row['name']:<58} {row['figure']:>12,.0f} {row['raw']:>12,.0f}"
        below = "  below" if row["ratio"] < row["target"] else ""
        print(f"{line} {row['ratio']:>6.2f} {row['target']:>6.2f}{below}", flush=True)


def _before() -> dict[str, Any]:
    """What earlier runs on this machine gave: a run alone does not take the others' away."""
    if not OUT.is_file():
        return {}
    found = json.loads(OUT.read_text(encoding="utf-8"))
    same = isinstance(found, dict) and found.get("machine") == _machine()
    return dict(found["runs"]) if same else {}


def _write(runs: dict[str, Any]) -> None:
    OUT.parent.mkdir(exist_ok=True)
    text = json.dumps({"machine": _machine(), "runs": runs}, indent=2)
    OUT.write_text(text + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in PACKAGES},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
