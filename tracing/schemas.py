"""What the API of what happened takes and answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from tracing.filters import SPANS


class FlowOut(BaseModel):
    """One flow, as in the list."""

    correlation_id: str
    status: str
    reason: str
    label: str
    root_type: str
    events: int
    deliveries: int
    open_letters: int
    amount: str | None
    currency: str
    started_at: str
    last_at: str
    ended_at: str | None
    truncated_before: str | None
    pinned_at: str | None


class MatchOut(BaseModel):
    """What matched of a flow where `text` is asked for: its newest such event; masked."""

    correlation_id: str
    event_id: str
    type: str
    snippet: str


class SearchOut(BaseModel):
    """How far a search in payloads reaches.

    `more`: there are older matching events than were looked at. `behind`: events that are not
    in the index yet; those before `indexed_until` are.
    """

    matches: list[MatchOut]
    more: bool
    indexed_until: str | None
    behind: int


class FlowsOut(BaseModel):
    """A page of flows. `previous` and `next` are cursors; `search` is there with `text` only."""

    items: list[FlowOut]
    next: str | None
    previous: str | None
    count: int
    estimated: bool
    search: SearchOut | None = None


class NeighboursOut(BaseModel):
    """Flows that share this other key with those asked for; none where it is a hub."""

    key: str
    hub: bool
    flows: list[FlowOut]


class KeyOut(FlowsOut):
    """The flows of a key, and their neighbours, one step further."""

    key: str
    hub: bool
    neighbours: list[NeighboursOut]


class CascadeOut(BaseModel):
    """A whole cascade."""

    correlation_id: str
    status: str
    reason: str
    keys: list[str]
    aliases: list[dict[str, str]]
    started_at: str
    ended_at: str | None
    truncated_before: str | None
    pinned_at: str | None
    nodes: list[dict[str, Any]]
    edges: list[dict[str, str]]
    anomalies: list[dict[str, str]]
    critical_path: list[dict[str, Any]]
    critical_path_shares: list[dict[str, Any]]


class Chosen(BaseModel):
    """Which flows; docs/search.md."""

    q: str = Field("", description="order number, key, correlation, trace or event ID")
    key: str = Field("", description="`order:4711`")
    status: str = ""
    type: str = Field("", description="of one of its events")
    consumer: str = Field("", description="that handled one of its events")
    error: str = Field("", description="words of an error's type and message: `KeyError curr*`")
    text: str = Field("", description='words in payloads: `word "a phrase" begin* -not`')
    since: datetime | None = Field(None, description="started then or later")
    until: datetime | None = Field(None, description="started before")
    last: Literal["", *SPANS] = Field("", description="started within this time")  # type: ignore[valid-type]
    sort: Literal["", "oldest"] = Field("", description="oldest first")
