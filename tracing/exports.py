"""A cascade as text: for a terminal, and as a Mermaid flowchart for a document."""

from collections.abc import Iterator, Sequence

from kit import formats
from kit.clock import rfc3339
from kit.marks import mark
from kit.redaction import mask_text
from tracing.cascade import MEANINGS, Cascade, Delivery, EventNode, Evidence
from tracing.models import Flow

MERMAID_NODES = 500  # Mermaid itself refuses charts of more edges than about that
CLASSES = {  # tone of a delivery -> how Mermaid fills it
    "bad": "fill:#fdeeec,stroke:#d3342a",
    "warn": "fill:#fdf4e3,stroke:#c47a00",
    "run": "fill:#eaf2fc,stroke:#3a7fcb",
}
ARROWS = {
    Evidence.CAUSATION: "-.->",
    Evidence.LINK: "-.->",
    Evidence.INFERRED: "-. inferred .->",
}
# what has a meaning in a Mermaid label, as the entity codes it knows
ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"})


def text(flow: Flow, cascade: Cascade) -> str:
    """The outline, indented, then the critical path and what is odd; error texts are masked."""
    return "\n".join(_text_lines(flow, cascade))


def _text_lines(flow: Flow, cascade: Cascade) -> Iterator[str]:
    yield f"{flow.label or flow.flow_id}  {flow.status}  {mask_text(flow.reason)}"
    if flow.truncated_before is not None:
        yield f"truncated: what happened up to {rfc3339(flow.truncated_before)} is no longer kept"
    for line in cascade.outline:
        guessed = "  (inferred)" if cascade.evidence(line) == (Evidence.INFERRED,) else ""
        yield f"{'  ' * (line.depth + 1)}{_words(line.node)}{guessed}"
    whole = sum(share.seconds for share in cascade.shares)
    parts = [
        f"{one.kind.words} {formats.duration(one.seconds)} ({formats.share(one.share)})"
        for one in cascade.shares
    ]
    yield f"critical path {formats.duration(whole)}: {', '.join(parts)}"
    for anomaly in cascade.anomalies:
        yield f"anomaly {anomaly.kind.value}: {_flat(anomaly.detail)}"


def _words(node: EventNode | Delivery) -> str:
    if isinstance(node, EventNode):
        seen = formats.trace_time(node.at) if node.seen else "not seen"
        return f"{_flat(node.name)}  {seen}"
    tries = f", {formats.plural(node.tries, 'attempt')}" if node.tries > 1 else ""
    letter = f", dead letter {node.letter_id}" if node.letter_id else ""
    error = f", {node.attempts[-1].error_type}" if node.attempts else ""
    failed = error if node.state == "failed" else ""
    return f"{node.consumer}: {node.state.value}{tries}{failed}{letter}"


def mermaid(cascade: Cascade) -> str:
    """A `flowchart LR` of the first MERMAID_NODES nodes with their anomalies; named causes and
    links are dotted, what is inferred says so."""
    return "\n".join([*_mermaid_lines(cascade), ""])


def _mermaid_lines(cascade: Cascade) -> Iterator[str]:
    lines = cascade.outline[:MERMAID_NODES]
    yield "flowchart LR"
    if len(lines) < len(cascade.outline):
        yield f"  %% the first {len(lines)} of {len(cascade.outline)} nodes"
    names = {line.node.id: f"n{number}" for number, line in enumerate(lines)}
    odd: dict[str, list[str]] = {}
    for anomaly in cascade.anomalies:
        title = MEANINGS[anomaly.kind].title
        if title not in odd.setdefault(anomaly.node, []):
            odd[anomaly.node].append(title)
    for line in lines:
        yield f"  {names[line.node.id]}{_shape(line.node, odd.get(line.node.id, []))}"
    for edge in cascade.edges:
        if edge.origin in names and edge.target in names:
            arrow = ARROWS.get(edge.evidence, "-->")
            yield f"  {names[edge.origin]} {arrow} {names[edge.target]}"
    for tone, look in CLASSES.items():
        yield f"  classDef {tone} {look}"


def _shape(node: EventNode | Delivery, odd: Sequence[str]) -> str:
    warning = f" ⚠ {', '.join(odd)}" if odd else ""
    if isinstance(node, EventNode):
        label = _label(node.name) + ("" if node.seen else ", not seen")
        return f'(["{label}{warning}"])'
    shown = mark(node.state)
    tone = f":::{shown.tone}" if shown.tone in CLASSES else ""
    return f'["{_label(node.consumer)}: {node.state.value}{warning}"]{tone}'


def _label(name: str) -> str:
    return _flat(name.translate(ENTITIES))


def _flat(text: str) -> str:
    """On one line."""
    return " ".join(text.split())
