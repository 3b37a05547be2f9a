"""Replay: freeze, send and settle, beside a bare pipelined XADD on the same server.

Measured in a process of its own, on a private Redis (fsync always) and a private database.
"""

from typing import Any

from bench.child import measured


def run() -> list[dict[str, Any]]:
    """The rows of the table; raises CalledProcessError when a measurement fails."""
    return measured("bench.replay_work")
