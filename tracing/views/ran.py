"""What the panel shows of the spans that ran within a delivery; names are masked."""

from typing import Any

from kit.redaction import mask_text
from tracing.cascade import Delivery
from tracing.span_context import ran_within

SPANS_SHOWN = 20


def ran(node: Delivery) -> dict[str, Any] | None:
    """The spans that ran within a delivery, and how many are not shown."""
    found = ran_within([node], SPANS_SHOWN).get(node.id)
    if not found:
        return None
    lines = [
        {
            "depth": range(depth),
            "name": mask_text(span.name),
            "service": span.service,
            "kind": span.kind_name,
            "took_s": span.duration_ms / 1000,
            "failed": span.failed,
            "attempt": one.attempt if number == 0 and len(found) > 1 else None,
        }
        for one in found
        for number, (depth, span) in enumerate(one.lines)
    ]
    return {"lines": lines, "more": sum(one.more for one in found)}
