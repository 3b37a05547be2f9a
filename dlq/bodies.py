"""What the API of dead letters and replays takes and answers, beside dlq/documents.py."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from dlq.documents import GroupOut, LetterOut
from dlq.filters import LetterFilter
from dlq.plan import Chooser
from dlq.ramp import DEFAULT, MOST_FAILED
from dlq.replay_documents import ReplayOut
from dlq.words import Choice, Fate
from kit.http import Problem
from kit.limits import FORM_BYTES

Reason = Annotated[str, Field(max_length=2_000)]


class Listed(BaseModel):
    """What every list answers beside its items."""

    next: str | None
    count: int
    estimated: bool


class Groups(Listed):
    """A page of groups."""

    items: list[GroupOut]


class Letters(Listed):
    """A page of dead letters."""

    items: list[LetterOut]


class Replays(Listed):
    """A page of replays."""

    items: list[ReplayOut]


Chosen = Literal["ready", "superseded", "already_succeeded", "expired", "replayed_often"]


class Members(BaseModel):
    """Letters by number, or by the filter of the list: exactly one of both."""

    letters: list[int] | None = None
    filter: dict[str, str] | None = None

    def chosen(self) -> Chooser | list[int]:
        """What `plan.freeze` and `discard.discard` take. Raises Problem 422."""
        if (self.letters is None) == (self.filter is None):
            raise Problem(422, "Choose letters", "give either `letters` or `filter`")
        if self.filter is None:
            return self.letters or []
        names = set(LetterFilter.__dataclass_fields__)
        if unknown := sorted(set(self.filter) - names):
            known = ", ".join(sorted(names))
            raise Problem(422, "Unknown filter", f"{', '.join(unknown)}: there are {known}")
        chosen = LetterFilter.from_query(self.filter)
        if chosen.trouble:
            raise Problem(422, "The words cannot be understood", chosen.trouble)
        return chosen


class NewReplay(Members):
    """A plan, started at once unless `dry_run`; or `replay`, the plan of a dry run, started."""

    reason: Reason = ""
    dry_run: bool = False
    choices: dict[Chosen, Choice] = {}  # by class; the others as the plan does by itself
    accept_others: bool = False
    receipt_wait_s: Annotated[int, Field(ge=0, le=86_400)] = 60
    rate_per_s: Annotated[int, Field(ge=0, le=100_000)] = 0
    ramp: list[int] = list(DEFAULT)  # letters of each gate before the rest; [] = at once
    most_failed: int = MOST_FAILED  # per cent of a gate; beyond, it pauses itself
    replay: int | None = None

    def by_class(self) -> dict[str, str]:
        """What is chosen, by class."""
        return {str(fate): choice.value for fate, choice in self.choices.items()}


class NewDiscard(Members):
    """Letters to give up for good; a filter must name something."""

    reason: Reason

    def chosen(self) -> Chooser | list[int]:
        """As of any choice. Raises Problem 422, also for a filter that means every letter."""
        if self.filter is not None and not any(self.filter.values()):
            raise Problem(422, "Choose letters", "an empty filter would discard every letter")
        return super().chosen()


class DiscardOut(BaseModel):
    """What was discarded, and what changed meanwhile and stayed."""

    discarded: int
    copies: int
    changed: list[int]


class NewRevision(BaseModel):
    """An edit; what is left out stays as it is. `version` is that of the letter it began from."""

    payload: Annotated[str, Field(max_length=FORM_BYTES)] | None = None
    headers: dict[str, str] | None = None
    reason: Reason
    version: int | None = None


class Move(BaseModel):
    """Why, and whether other consumers may see it too (promise 6); `again`: what failed, too."""

    reason: Reason = ""
    accept_others: bool = False
    again: bool = False


class Said(BaseModel):
    """What is said of a group; each verb asks for its own: `to`, `until` or `volume`, `release`."""

    reason: Reason = ""
    to: Annotated[str, Field(max_length=150)] = ""  # a person; "" takes it from whoever has it
    until: datetime | None = None
    volume: Annotated[int, Field(ge=1, le=10_000_000)] | None = None  # so many further letters
    release: Annotated[str, Field(max_length=80)] = ""


class Decision(BaseModel):
    """What becomes of the held members of a class."""

    fate: Annotated[Fate, Field(alias="class")]
    send: bool
    reason: Reason = ""


class Settlement(BaseModel):
    """What a person found out about a member that may have been sent."""

    sent: bool
    reason: Reason
