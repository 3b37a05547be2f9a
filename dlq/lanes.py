"""Which members may be sent now: the first of each lane that has nothing in flight."""

from django.db import connection

from dlq.models import Item

# Jumps from lane to lane by the index (replay, state, lane, order): the cost is the number of
# lanes looked at, however many letters wait in each.
_HEADS = """
WITH RECURSIVE lanes(lane) AS (
  SELECT min(lane) FROM dlq_item WHERE replay_id = %(replay)s AND state = 'waiting'
    AND lane > %(after)s{until}
  UNION ALL
  SELECT (SELECT min(later.lane) FROM dlq_item later WHERE later.replay_id = %(replay)s
    AND later.state = 'waiting' AND later.lane > lanes.lane{later_until})
  FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT lane, (
  SELECT head.id FROM dlq_item head WHERE head.replay_id = %(replay)s
    AND head.state = 'waiting' AND head.lane = lanes.lane
  ORDER BY head.original_order, head.id LIMIT 1
)
FROM lanes WHERE lane IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM dlq_item busy WHERE busy.replay_id = %(replay)s AND busy.lane = lanes.lane
    AND busy.state IN ('sending', 'sent', 'maybe_sent')
)
LIMIT %(limit)s
"""
_ALL = _HEADS.format(until="", later_until="")
_GATED = _HEADS.format(until=" AND lane <= %(until)s", later_until=" AND later.lane <= %(until)s")


def heads(replay_id: int, after: str, limit: int, until: str | None) -> list[tuple[str, int]]:
    """(lane, item) of the next lanes behind `after`, in the order of the lanes' names.

    Lanes behind `until` are of a gate that is not open yet.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _ALL if until is None else _GATED,
            {"replay": replay_id, "after": after, "limit": limit, "until": until},
        )
        return [(str(lane), int(item)) for lane, item in cursor.fetchall()]


def is_drained(replay_id: int) -> bool:
    """Whether nothing of a batch waits, is in flight, or is for a person to settle."""
    return not Item.objects.filter(
        replay_id=replay_id, state__in=("waiting", "held", "sending", "sent", "maybe_sent")
    ).exists()


def waits_for_a_word(replay_id: int) -> bool:
    """Whether all that is left of a batch is held until a person decides."""
    left = Item.objects.filter(replay_id=replay_id)
    busy = left.filter(state__in=("waiting", "sending", "sent", "maybe_sent"))
    return not busy.exists() and left.filter(state="held").exists()
