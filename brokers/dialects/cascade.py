"""The marks `cascade_client` leaves (docs/redis-streams.md)."""

from collections.abc import Mapping

from brokers.dialects.normal import DeadLetter, moment, said, whole_number
from cascade_client.fields import DEAD_LETTER_PREFIX as PREFIX

_CERTAIN = (f"{PREFIX}reason", f"{PREFIX}consumer")  # either one is enough to know the writer


class Cascade:
    """Fields `dead-letter-*` beside the original ones, which stay byte for byte."""

    name = "cascade"

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether a consumer or a reason is named."""
        return any(mark in headers for mark in _CERTAIN)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form."""
        own = {k.removeprefix(PREFIX): v for k, v in headers.items() if k.startswith(PREFIX)}
        proof = next(mark for mark in _CERTAIN if mark in headers)
        return DeadLetter(
            dialect=self.name,
            headers={k: v for k, v in headers.items() if not k.startswith(PREFIX)},
            marks=tuple(sorted(PREFIX + name for name in own)),
            evidence=said(proof, headers[proof]),
            consumer=own.get("consumer", ""),
            stream=own.get("stream", ""),
            position=own.get("position", ""),
            attempts=whole_number(own.get("attempts")),
            reason=own.get("reason", ""),
            died_at=moment(own.get("time")),
            process=own.get("process", ""),
            release=own.get("release", ""),
            error_type=own.get("error-type", ""),
            error_message=own.get("error-message", ""),
            error_stack=own.get("error-stack", ""),
        )


DIALECT = Cascade()
