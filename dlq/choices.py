"""What becomes of each class of a plan's members: send, skip, or ask. Pure."""

from collections.abc import Mapping

from dlq.words import Choice, Fate, ItemState

DEFAULT: Mapping[Fate, Choice] = {
    Fate.READY: Choice.SEND,
    Fate.SUPERSEDED: Choice.SKIP,
    Fate.SUCCEEDED: Choice.SKIP,
    Fate.EXPIRED: Choice.SKIP,
    Fate.OFTEN: Choice.SKIP,
    Fate.NOWHERE: Choice.SKIP,
}
FIXED = (Fate.NOWHERE, Fate.CHANGED)  # there is nothing to choose
STATE: Mapping[Choice, ItemState] = {
    Choice.SEND: ItemState.WAITING,
    Choice.SKIP: ItemState.STAYS,
    Choice.ASK: ItemState.HELD,
}


def choice_of(fate: Fate, chosen: Mapping[str, str]) -> Choice:
    """What was chosen for a class, else its default."""
    if fate in FIXED:
        return Choice.SKIP
    return Choice(chosen.get(fate, DEFAULT[fate]))


def state_of(fate: Fate, chosen: Mapping[str, str]) -> ItemState:
    """The state of a member of this class before anything is sent."""
    return STATE[choice_of(fate, chosen)]


def needs_release(chosen: Mapping[str, str]) -> bool:
    """Whether quarantined letters are among what is sent or asked about."""
    return choice_of(Fate.OFTEN, chosen) is not Choice.SKIP
