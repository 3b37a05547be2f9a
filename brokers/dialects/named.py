"""Dialects whose marks are headers of fixed names, one fact a header: a table each is enough."""

from collections.abc import Mapping
from dataclasses import dataclass

from brokers.dialects.normal import DeadLetter, binary_number, moment, said
from cascade_client.fields import stream_name

PARTITION_BYTES, COUNT_BYTES, OFFSET_BYTES = 4, 4, 8  # where Java clients write numbers as bytes


@dataclass(frozen=True, slots=True)
class Named:
    """Which header says what; `certain` are those of which one proves whose marks they are.

    `prefixes` and `names` are the framework's own, taken off before a replay.
    """

    name: str
    certain: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    consumer: str = ""
    topic: str = ""
    partition: str = ""
    position: str = ""
    attempts: str = ""
    reason: str = ""
    died_at: str = ""
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether a header is there that only this framework writes."""
        return any(name in headers for name in self.certain)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form."""
        own = sorted(name for name in headers if self._is_own(name))
        proof = next((name for name in self.certain if name in headers), self.name)
        say = headers.get
        offset = binary_number(say(self.position), OFFSET_BYTES)
        return DeadLetter(
            dialect=self.name,
            headers={name: value for name, value in headers.items() if name not in own},
            marks=tuple(own),
            evidence=said(proof, say(proof, "")),
            consumer=say(self.consumer, ""),
            stream=self._stream(headers),
            position="" if offset is None else str(offset),
            attempts=binary_number(say(self.attempts), COUNT_BYTES),
            reason=say(self.reason, ""),
            died_at=moment(say(self.died_at)),
            error_type=say(self.error_type, ""),
            error_message=say(self.error_message, ""),
            error_stack=say(self.error_stack, ""),
        )

    def _is_own(self, name: str) -> bool:
        return name in self.names or name in self.certain or name.startswith(self.prefixes)

    def _stream(self, headers: Mapping[str, str]) -> str:
        topic = headers.get(self.topic, "")
        number = binary_number(headers.get(self.partition), PARTITION_BYTES)
        return topic if number is None or not topic else stream_name(topic, number)
