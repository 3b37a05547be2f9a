"""How messages that are no CloudEvents are to be read: business keys, and mappings. Pure."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from brokers.config import Keys, MappingConfig

STREAMS_KEPT = 10_000  # names whose mapping is remembered


class Rules:
    """`keys`: kinds to JSON pointers; of `mappings` the first that fits a stream is the one."""

    def __init__(self, keys: Keys | None = None, mappings: Sequence[MappingConfig] = ()) -> None:
        self.keys = keys or {}
        self.mappings = tuple(mappings)
        self._known: dict[tuple[str, str], MappingConfig | None] = {}

    def mapping(self, broker: str, stream: str) -> MappingConfig | None:
        """The mapping of this stream, if there is one."""
        if not self.mappings:
            return None
        place = (broker, stream)
        if place not in self._known:
            if len(self._known) >= STREAMS_KEPT:
                self._known.clear()
            self._known[place] = next((m for m in self.mappings if fits(m, *place)), None)
        return self._known[place]


def fits(mapping: MappingConfig, broker: str, stream: str) -> bool:
    """Whether a mapping is meant for this stream."""
    return mapping.broker in (None, broker) and fnmatchcase(stream, mapping.stream)


NO_RULES = Rules()
