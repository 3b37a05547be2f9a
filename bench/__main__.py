"""`python -m bench`: every figure beside its raw limit, as a table and in var/bench.json."""

import json
from pathlib import Path
from typing import Any

from bench import replay, retention, single, tap

OUT = Path(__file__).resolve().parents[1] / "var" / "bench.json"


def main() -> None:
    """Run all and print. A figure below its target is marked; machines are noisy, so no more."""
    rows: list[dict[str, Any]] = [
        *tap.run(),
        *single.run(),
        *replay.run(),
        *retention.run(),
    ]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(f"{'what':<44} {'figure':>12} {'raw':>12} {'ratio':>6} {'target':>6}")
    for row in rows:
        line = f"{row['name']:<44} {row['figure']:>12,.0f} {row['raw']:>12,.0f}"
        below = "  below" if row["ratio"] < row["target"] else ""
        print(f"{line} {row['ratio']:>6.2f} {row['target']:>6.2f}{below}")
    print(f"written to {OUT.relative_to(OUT.parents[1])}")


if __name__ == "__main__":
    main()
