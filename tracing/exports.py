"""A cascade as text: for a terminal, and as a Mermaid flowchart for a document."""

from collections.abc import Iterator

from kit import formats
from kit.marks import mark
from kit.redaction import mask_text
from tracing.cascade import Cascade, Delivery, EventNode, Evidence
from tracing.models import Flow

MERMAID_NODES = 500  # Mermaid itself refuses charts of more edges than about that
CLASSES = {  # tone of a delivery -> how Mermaid fills it
    "bad": "fill:#fdeeec,stroke:#d3342a",
    "warn": "fill:#fdf4e3,stroke:#c47a00",
    "run": "fill:#eaf2fc,stroke:#3a7fcb",
}
# what has a meaning in a Mermaid label, as the entity codes it knows
ENTITIES = str.maketrans({"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "`": "#96;"})


def text(flow: Flow, cascade: Cascade) -> str:
    """The outline, indented, then the critical path and what is odd; error texts are masked."""
    return "\n".join(_text_lines(flow, cascade))


def _text_lines(flow: Flow, cascade: Cascade) -> Iterator[str]:
    yield f"{flow.label or flow.flow_id}  {flow.status}  {mask_text(flow.reason)}"
    for line in cascade.outline:
        yield f"{'  ' * (line.depth + 1)}{_words(line.node)}"
    whole = sum(segment.seconds for segment in cascade.critical_path)
    shares: dict[str, float] = {}
    for segment in cascade.critical_path:
        shares[segment.kind.value] = shares.get(segment.kind.value, 0.0) + segment.seconds
    parts = [f"{kind} {formats.duration(seconds)}" for kind, seconds in shares.items()]
    yield f"critical path {formats.duration(whole)}: {', '.join(parts)}"
    for anomaly in cascade.anomalies:
        yield f"anomaly: {anomaly.detail}"


def _words(node: EventNode | Delivery) -> str:
    if isinstance(node, EventNode):
        seen = formats.trace_time(node.at) if node.seen else "not seen"
        return f"{node.name}  {seen}"
    tries = f", {formats.plural(node.tries, 'attempt')}" if node.tries > 1 else ""
    letter = f", dead letter {node.letter_id}" if node.letter_id else ""
    error = f", {node.attempts[-1].error_type}" if node.attempts else ""
    failed = error if node.state == "failed" else ""
    return f"{node.consumer}: {node.state.value}{tries}{failed}{letter}"


def mermaid(cascade: Cascade) -> str:
    """A `flowchart LR` of the first MERMAID_NODES nodes; named causes are dotted."""
    return "\n".join([*_mermaid_lines(cascade), ""])


def _mermaid_lines(cascade: Cascade) -> Iterator[str]:
    lines = cascade.outline[:MERMAID_NODES]
    yield "flowchart LR"
    if len(lines) < len(cascade.outline):
        yield f"  %% the first {len(lines)} of {len(cascade.outline)} nodes"
    names = {line.node.id: f"n{number}" for number, line in enumerate(lines)}
    for line in lines:
        yield f"  {names[line.node.id]}{_shape(line.node)}"
    for edge in cascade.edges:
        if edge.origin in names and edge.target in names:
            arrow = "-.->" if edge.evidence is Evidence.CAUSATION else "-->"
            yield f"  {names[edge.origin]} {arrow} {names[edge.target]}"
    for tone, look in CLASSES.items():
        yield f"  classDef {tone} {look}"


def _shape(node: EventNode | Delivery) -> str:
    if isinstance(node, EventNode):
        label = _label(node.name)
        return f'(["{label}"])' if node.seen else f'(["{label}, not seen"])'
    shown = mark(node.state)
    tone = f":::{shown.tone}" if shown.tone in CLASSES else ""
    return f'["{_label(node.consumer)}: {node.state.value}"]{tone}'


def _label(name: str) -> str:
    return " ".join(name.translate(ENTITIES).split())
