"""Pure: how long retention rests after a step, so that those who take in keep their turn."""

BUSY = 0.06  # of the time, while events come in
QUIET = 0.5  # while none do
PRESSED = 0.3  # while the store is larger than it may be, or retention is far behind
LONGEST_S = 10.0


def pause(held_s: float, *, busy: bool, pressed: bool) -> float:
    """Seconds to rest after others waited for `held_s` seconds at most."""
    share = QUIET if not busy else PRESSED if pressed else BUSY
    return min(LONGEST_S, held_s * (1 - share) / share)
