"""Pure: the marks of events and deliveries on the timeline."""

from datetime import datetime

from kit import formats
from tracing.cascade import Attempt, Cascade, Delivery, DeliveryState, EventNode, SegmentKind
from tracing.drawing.axis import Axis
from tracing.drawing.shapes import (
    LEAST,
    LEAST_FAILED,
    Box,
    Link,
    Marks,
    at_edge,
    beside,
    over,
    room_for,
)

FAILING = ("retrying", "failed", "dead_lettered")
WAIT_WORTH_SAYING_S = 0.1
PASSED = {
    DeliveryState.SKIPPED: "skipped, it had seen it before",
    DeliveryState.MENDED: "mended by replay, {took}",
}
STANDING = {
    DeliveryState.FAILED: ("dead letter", "bad"),
    DeliveryState.REPLAYING: ("being replayed", "run"),
}


def event_marks(cascade: Cascade, node: EventNode, axis: Axis) -> Marks:
    """A dot where the event was published, with what is special about it."""
    x = axis.x(node.at)
    marks = Marks(begin=x, end=x)
    if node.seen:
        marks.dot = x
    else:
        marks.hollow = x
    text = _about(cascade, node)
    if text:
        marks.notes.append(beside(marks, x, x, text, "" if node.seen else "warn"))
    return marks


def _about(cascade: Cascade, node: EventNode) -> str:
    if not node.seen:
        return "not seen"
    said = ["from another flow"] if node.outside else []
    readers = [edge for edge in cascade.out_of[node.id] if edge.target.startswith("d-")]
    if len(readers) > 1:
        said.append(f"{len(readers)} consumers")
    if node.name in cascade.terminal:
        said.append("the end")
    copies = sum(1 for one in node.appearances if one.original)
    if copies > 1:
        said.append(f"published {copies} times")
    replays = sum(1 for one in node.appearances if one.replay_attempt)
    if replays:
        said.append(f"replayed{'' if replays == 1 else f' {replays} times'}")
    return ", ".join(said)


def delivery_marks(cascade: Cascade, node: Delivery, axis: Axis, now: datetime) -> Marks:
    """Queue wait, the tries with the pauses between them, and how it stands."""
    sent_at = _sent_at(cascade, node)
    begin = axis.x(sent_at)
    start = axis.x(node.started_at)
    marks = Marks(begin=begin, end=start)
    if start > begin:
        marks.boxes.append(Box("wait", begin, round(start - begin, 2)))
    for attempt, lost in node.tried:
        _add_attempt(marks, attempt, axis, attempt.started_at if lost else now, lost=lost)
    _add_pauses(marks, node)
    _add_state(marks, node, axis, now, (node.started_at - sent_at).total_seconds())
    _add_critical(marks, cascade, node, axis)
    return marks


def _sent_at(cascade: Cascade, node: Delivery) -> datetime:
    event = cascade.event_of(node)
    return event.at if event.seen else node.started_at


def _add_attempt(
    marks: Marks, attempt: Attempt, axis: Axis, until: datetime, *, lost: bool
) -> None:
    x = axis.x(attempt.started_at)
    end = axis.x(attempt.ended_at or max(until, attempt.started_at))
    kind = "bad" if attempt.outcome in FAILING else "work"
    if attempt.ended_at is None and not lost:
        kind = "run"
    if attempt.inferred:
        kind = "guess"
    width = max(LEAST if kind in ("work", "run") else LEAST_FAILED, end - x)
    x = min(x, 100 - width)
    marks.boxes.append(Box(kind, round(x, 2), round(width, 2)))
    marks.end = max(marks.end, x + width)


def _add_pauses(marks: Marks, node: Delivery) -> None:
    """Lines from try to try; what the pause was for where there is room."""
    tries = [box for box in marks.boxes if box.kind != "wait"]
    for attempt, box, following in zip(node.attempts, tries, tries[1:], strict=False):
        if following.x <= box.end:
            continue
        dead = attempt.outcome == "dead_lettered"
        marks.links.append(Link(box.end, following.x, "bad" if dead else "muted"))
        words = _pause_words(attempt, following.x - box.end)
        if words:
            marks.notes.append(over(box.end, following.x, words, "bad" if dead else ""))


def _pause_words(attempt: Attempt, width: float) -> str:
    """What the pause after a try was, as much as there is room for."""
    if attempt.outcome == "dead_lettered":
        return "dead letter" if width >= room_for("dead letter") else ""
    if attempt.retry_in_s is None:
        return ""
    pause = formats.duration(attempt.retry_in_s)
    choices = (f"back-off {pause}", pause)
    return next((words for words in choices if width >= room_for(words)), "")


def _add_state(marks: Marks, node: Delivery, axis: Axis, now: datetime, waited_s: float) -> None:
    state = node.state
    end = marks.end
    if state in (DeliveryState.FAILED, DeliveryState.REPLAYING):
        here = axis.x(max(now, node.started_at))
        words, tone = STANDING[state]
        marks.links.append(Link(round(end, 2), here, tone))
        marks.say(at_edge(words, tone))
    elif state is DeliveryState.RETRYING:
        here = axis.x(max(now, node.started_at))
        marks.links.append(Link(round(end, 2), here, "muted"))
        marks.say(beside(marks, marks.begin, max(end, here), _retry_words(node), "warn"))
    else:
        marks.say(beside(marks, marks.begin, end, _words(node, waited_s), _tone(state)))


def _retry_words(node: Delivery) -> str:
    pause = node.attempts[-1].retry_in_s if node.attempts else None
    again = f" in {formats.duration(pause)}" if pause is not None else ""
    return f"try {node.attempts[-1].number} failed, again{again}"


def _tone(state: DeliveryState) -> str:
    return "run" if state is DeliveryState.RUNNING else ""


def _words(node: Delivery, waited_s: float) -> str:
    """`0.44 s wait, 0.74 s`; what is more than the usual is said in words."""
    if node.state is DeliveryState.DISCARDED:
        return "letter discarded"
    if not node.attempts:
        return node.state.value
    last = node.attempts[-1]
    if last.inferred:
        return _inferred_words(last)
    took = "at work" if last.took_s is None else formats.duration(last.took_s)
    if node.state in PASSED:
        return PASSED[node.state].format(took=took)
    failed = sum(1 for attempt in node.attempts if attempt.outcome in FAILING)
    if failed:
        return f"failed {formats.times(failed)}, then {took}"
    return f"{formats.duration(waited_s)} wait, {took}" if waited_s >= WAIT_WORTH_SAYING_S else took


def _inferred_words(last: Attempt) -> str:
    if last.outcome == "handled":
        return "handled, inferred"
    times = f" {formats.times(last.number)}" if last.number > 1 else ""
    return f"delivered{times}, not acknowledged, inferred"


def _add_critical(marks: Marks, cascade: Cascade, node: Delivery, axis: Axis) -> None:
    spent = cascade.on_path.get(node.id, ())
    own = [part for part in spent if part.kind is not SegmentKind.GAP]
    if own:
        last = own[-1]
        stop = axis.x(last.started_at) if last.kind is SegmentKind.DEAD else marks.end
        marks.critical = (marks.begin, max(round(stop, 2), marks.begin + LEAST))
