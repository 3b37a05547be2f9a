"""What matched: of each flow of a page its newest matching event, and the place in its payload."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracing.bodies import body_of
from tracing.models import Event, Flow
from tracing.search.matches import Matches
from tracing.search.readable import readable
from tracing.search.snippet import Piece, snippet
from tracing.search.words import Question


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that matches; its payload's place in pieces, masked."""

    event_id: str
    type: str
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The place without marks."""
        return "".join(piece.text for piece in self.pieces)


def hits(flows: Iterable[Flow], matches: Matches, question: Question) -> dict[str, Hit]:
    """Flow -> what matched in it; one query, and one for each body that is kept apart."""
    wanted = {
        flow.flow_id: matches.events[flow.flow_id]
        for flow in flows
        if flow.flow_id in matches.events
    }
    found = Event.objects.in_bulk(wanted.values())
    return {
        flow_id: Hit(
            event.event_id,
            event.type,
            snippet(readable(body_of(event), event.content_type), question),
        )
        for flow_id, number in wanted.items()
        if (event := found.get(number)) is not None
    }
