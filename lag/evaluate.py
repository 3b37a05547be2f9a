"""The verdict on one consumer, and its reason in words. Pure: time is an argument.

Judged by seconds, not by counts: by the age of the oldest message that waits (undelivered, or
delivered and not handled) and its trend over the last samples. So a group with little traffic
is never called stopped, and one decrease does not hide a growth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kit.formats import age, clock_seconds, plural, rate
from lag.trend import Point, Trend, rates, trend


class Verdict(StrEnum):
    """The judgement on a consumer (DESIGN, words)."""

    OK = "ok"
    CATCHING_UP = "catching_up"
    FALLING_BEHIND = "falling_behind"
    STALLED = "stalled"
    STOPPED = "stopped"
    REWOUND = "rewound"
    UNKNOWN = "unknown"
    GONE = "gone"


# worst first: the order of every list
SEVERITY = (
    Verdict.STALLED,
    Verdict.STOPPED,
    Verdict.FALLING_BEHIND,
    Verdict.REWOUND,
    Verdict.GONE,
    Verdict.UNKNOWN,
    Verdict.CATCHING_UP,
    Verdict.OK,
)
TROUBLE = frozenset(SEVERITY[:4])  # what somebody should look at


@dataclass(frozen=True)
class Limits:
    """Seconds; what is later or stiller than these is judged."""

    allowed_s: float = 20  # a message may wait this long
    late_s: float = 120  # beyond, keeping the distance is not enough
    silent_s: float = 60  # a process that asks for nothing this long is not there
    still_s: float = 60  # nothing handled this long, with processes there
    least_span_s: float = 25  # a trend needs samples over this long


@dataclass(frozen=True)
class Facts:
    """What is known of a consumer now, beside its samples."""

    messages: int | None
    pending: int | None
    oldest_s: float | None  # 0: nothing waits
    idle_s: tuple[float, ...] | None  # of each process; None: the broker does not tell
    still_s: float  # since it last took or finished anything
    set_back_to: str | None = None  # the cursor is behind where it was: to what, in words
    why_unknown: str = ""


@dataclass(frozen=True)
class Before:
    """The verdict of the round before."""

    verdict: str
    since: datetime


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason, the numbers it rests on, and since when it holds."""

    verdict: Verdict
    reason: str
    rule: str
    since: datetime
    in_per_min: float | None = None
    out_per_min: float | None = None
    drain_s: float | None = None


LIMITS = Limits()


def judge(
    points: Sequence[Point], facts: Facts, before: Before | None, limits: Limits = LIMITS
) -> Judgement:
    """The verdict as of the last of `points` (oldest first, at least one)."""
    case = _Case(points, facts, before, limits)
    verdict, reason, rule = case.decide()
    since = before.since if before and before.verdict == verdict else case.began(verdict)
    return Judgement(
        verdict=verdict,
        reason=reason,
        rule=rule,
        since=since,
        in_per_min=case.come,
        out_per_min=case.go,
        drain_s=case.drain_s(verdict),
    )


def gone(topic: str, before: Before | None, now: datetime) -> Judgement:
    """The verdict on a consumer that the broker no longer has; its numbers stay as they were."""
    since = before.since if before and before.verdict == Verdict.GONE else now
    reason = f"its group left {topic} at {clock_seconds(since)[:5]}"
    return Judgement(Verdict.GONE, reason, "no such group on the broker", since)


Decision = tuple[Verdict, str, str]


class _Case:
    """One consumer before the judge; each `_is…` answers a decision or None."""

    def __init__(
        self, points: Sequence[Point], facts: Facts, before: Before | None, limits: Limits
    ) -> None:
        self.points = points
        self.facts = facts
        self.before = before
        self.limits = limits
        self.trend: Trend = trend(points)
        self.come, self.go = rates(points)

    def decide(self) -> Decision:
        """The first rule that holds."""
        return (
            self._rewound()
            or self._nothing_waits()
            or self._stopped()
            or self._stalled()
            or self._unknown()
            or self._in_time()
            or self._shrinking()
            or self._growing()
            or self._between()
        )

    def _rewound(self) -> Decision | None:
        if self.facts.set_back_to is None or not self._waiting():
            return None
        back = self.facts.set_back_to
        return (Verdict.REWOUND, f"set back to {back}", "its cursor is behind where it was")

    def _nothing_waits(self) -> Decision | None:
        if self.facts.messages == 0 and self.facts.pending == 0:
            return (Verdict.OK, "", "nothing waits")
        return None

    def _stopped(self) -> Decision | None:
        idle, limit = self.facts.idle_s, self.limits.silent_s
        if idle is None or not self._waiting() or self.facts.still_s < self.limits.allowed_s:
            return None
        if self.facts.oldest_s is not None and self.facts.oldest_s <= self.limits.allowed_s:
            return None
        if not idle:
            return (Verdict.STOPPED, "no process reads it", "messages wait, no process is there")
        if min(idle) < limit or self.facts.still_s < limit:
            return None
        rule = f"{plural(len(idle), 'process', 'processes')}, last heard {age(min(idle))} ago"
        return (Verdict.STOPPED, f"silent for {age(min(idle))}", rule)

    def _stalled(self) -> Decision | None:
        still, idle = self.facts.still_s, self.facts.idle_s
        if not self._waiting() or still < self.limits.still_s or idle == ():
            return None
        if self.facts.oldest_s is not None and self.facts.oldest_s < self.limits.still_s:
            return None
        who = "" if idle is None else f"{plural(len(idle), 'process', 'processes')}, "
        return (
            Verdict.STALLED,
            f"{who}nothing handled for {age(still)}",
            f"messages wait, nothing taken or finished for {age(still)}",
        )

    def _unknown(self) -> Decision | None:
        if self.facts.oldest_s is None:
            reason = self.facts.why_unknown or "the age of its messages is unknown"
            return (Verdict.UNKNOWN, reason, "an age is needed to judge")
        return None

    def _in_time(self) -> Decision | None:
        if self._age() > self.limits.allowed_s:
            return None
        return (Verdict.OK, "", f"the oldest waits {age(self._age())}, {self._allowed()}")

    def _growing(self) -> Decision | None:
        span, grew = self.trend.span_s, self.trend.change_s
        if span < self.limits.least_span_s:
            return None
        if grew < 0.1 * span or self.trend.ups < 0.6 * self.trend.steps:
            return None
        rule = f"grew in {self.trend.ups} of {self.trend.steps} samples, {age(grew)} in {age(span)}"
        return (Verdict.FALLING_BEHIND, self._pace(), rule)

    def _shrinking(self) -> Decision | None:
        """By age, or by count: a backlog of one moment ages until its last message is handled."""
        span, change = self.trend.span_s, self.trend.change_s
        if span < self.limits.least_span_s:
            return None
        younger = change <= -0.1 * span
        if not younger and not self._drains():
            return None
        left = self.drain_s(Verdict.CATCHING_UP)
        reason = f"done in {age(left)} at this pace" if left else "its oldest message gets younger"
        by_age = f"the oldest got {age(-change)} younger in {age(span)}"
        rule = by_age if younger else f"{rate(self.come)} a minute come, {rate(self.go)} go"
        return (Verdict.CATCHING_UP, reason, rule)

    def _drains(self) -> bool:
        if self.come is None or self.go is None:
            return False
        return self.go > 1.1 * self.come + 1

    def _between(self) -> Decision:
        """Late, and neither clearly growing nor clearly shrinking."""
        waits = age(self._age())
        if self.before and self.before.verdict in {Verdict.FALLING_BEHIND, Verdict.CATCHING_UP}:
            kept = Verdict(self.before.verdict)
            reason = self._pace() if kept is Verdict.FALLING_BEHIND else f"oldest waits {waits}"
            return (kept, reason, f"the oldest waits {waits}, no new trend")
        if self.trend.span_s < self.limits.least_span_s:
            watched = f"watched for {age(self.trend.span_s)} so far"
            return (Verdict.UNKNOWN, f"oldest waits {waits}; {watched}", "too few samples")
        if self._age() > self.limits.late_s:
            return (
                Verdict.FALLING_BEHIND,
                f"{waits} behind and not gaining",
                f"the oldest waits longer than {age(self.limits.late_s)}, no trend",
            )
        return (Verdict.OK, f"oldest waits {waits}", "late, but it does not grow")

    def drain_s(self, verdict: Verdict) -> float | None:
        """Seconds until nothing waits; None when it never will at this pace, or is unknown."""
        waiting = self._waiting()
        if not waiting:
            return 0.0 if waiting == 0 else None
        if verdict is Verdict.OK and self.go:
            return waiting / self.go * 60
        if verdict is Verdict.CATCHING_UP and self.go and self.go > (self.come or 0):
            return waiting / (self.go - (self.come or 0)) * 60
        return None

    def began(self, verdict: Verdict) -> datetime:
        """Since when a new verdict holds: growth began when the age was last within bounds."""
        now = self.points[-1].at
        if verdict is not Verdict.FALLING_BEHIND:
            return now
        early = [p.at for p in self.points if p.oldest_s is not None and p.oldest_s <= 5]
        return early[-1] if early else self.points[0].at

    def _age(self) -> float:
        return self.facts.oldest_s or 0.0

    def _waiting(self) -> int | None:
        known = [n for n in (self.facts.messages, self.facts.pending) if n is not None]
        return sum(known) if known else None

    def _allowed(self) -> str:
        return f"{age(self.limits.allowed_s)} are allowed"

    def _pace(self) -> str:
        if self.go == 0:
            return f"nothing handled for {age(self.facts.still_s)}"
        if self.go is None:
            return f"oldest waits {age(self._age())}, and longer each time"
        of = f" of {rate(self.come)}" if self.come is not None and self.come > self.go else ""
        return f"handles {rate(self.go)}{of} a minute"
