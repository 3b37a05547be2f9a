"""Pure: the summary of a flow of which retention cut something off.

What is left may not tell any more how it ended or failed, so that stays as it was known; what is
left may still say that it fails, was mended, or has ended since.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from tracing.summary import Status, Summary

KEPT_REASON = "as it was when retention cut it off"
CUT_WHILE_OPEN = "retention cut it off before it ended"
LASTING = (Status.COMPLETE.value, Status.MENDED.value, Status.FAILED.value)
SAYS_MORE = (Status.FAILED, Status.MENDED)


@dataclass(frozen=True, slots=True)
class Cut:
    """What was known of a flow, and what is gone of it."""

    status: Status
    reason: str
    root_type: str
    events: int  # that are gone
    deliveries: int  # that were known
    started_at: datetime
    last_at: datetime
    ended_at: datetime | None
    stood: str  # the last of LASTING that it was when it was cut, or empty


def after_cut(rest: Summary | None, cut: Cut) -> Summary:
    """`rest` is the summary of what is left; None when nothing is."""
    if rest is None:
        return _nothing_left(cut)
    earlier = rest.started_at < cut.started_at
    summary = replace(
        rest,
        root_type=rest.root_type if earlier else cut.root_type or rest.root_type,
        events=cut.events + rest.events,
        deliveries=max(cut.deliveries, rest.deliveries),
        started_at=min(cut.started_at, rest.started_at),
        last_at=max(cut.last_at, rest.last_at),
        ended_at=rest.ended_at or cut.ended_at,
    )
    if not cut.stood or rest.status in SAYS_MORE:
        return summary
    status = Status(cut.stood)
    reason = cut.reason if cut.status is status else KEPT_REASON
    return replace(summary, status=status, reason=reason, recheck_at=None)


def _nothing_left(cut: Cut) -> Summary:
    status, reason = cut.status, cut.reason
    if cut.stood and status.value != cut.stood:
        status, reason = Status(cut.stood), KEPT_REASON
    elif status is Status.RUNNING:
        status, reason = Status.QUIET, CUT_WHILE_OPEN
    return Summary(
        status=status,
        reason=reason,
        root_type=cut.root_type,
        events=cut.events,
        deliveries=cut.deliveries,
        open_letters=0,
        started_at=cut.started_at,
        last_at=cut.last_at,
        ended_at=cut.ended_at,
        recheck_at=None,
    )
