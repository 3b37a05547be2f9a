"""How often to try, and how long to wait in between."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential back-off with jitter; no single wait is longer than `max_s` seconds."""

    attempts: int = 5
    base_s: float = 0.25
    factor: float = 2.0
    max_s: float = 5.0
    jitter: float = 0.2  # 0.2 = up to a fifth shorter or longer

    def __post_init__(self) -> None:
        """Refuse figures that cannot work. Raises ValueError."""
        if self.attempts < 1:
            raise ValueError("attempts must be at least 1")
        if min(self.base_s, self.max_s) < 0 or self.factor < 1 or not 0 <= self.jitter <= 1:
            raise ValueError("base_s, max_s >= 0, factor >= 1 and jitter from 0 to 1 are needed")

    def delay_s(self, attempt: int, chance: float | None = None) -> float:
        """Seconds to wait after this failed attempt (1 is the first); chance is from 0 to 1."""
        # The exponent is bounded so that a large number of attempts cannot overflow.
        plain = min(self.max_s, self.base_s * self.factor ** min(attempt - 1, 64))
        roll = random.random() if chance is None else chance  # noqa: S311  (no secret)
        return min(self.max_s, plain * (1 + self.jitter * (2 * roll - 1)))
