"""The overview's sentence, a row for each thing it can say."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from console.headline import Behind, Failing, Headline, Untaken, headline

NOW = datetime(2026, 8, 18, 14, 36, tzinfo=UTC)
FAILING = Failing(
    "payment",
    NOW.replace(minute=2),
    "1.8.0",
    214,
    Decimal("12430"),
    "EUR",
    "/dead-letters/groups/1",
)
LATE = Behind("analytics", "falling_behind", 492.0, 336)


def _text(said: Headline) -> str:
    return "".join(part.text for part in said.parts).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("failing", "others", "behind", "seen", "tone", "text"),
    [
        (None, 0, [], False, "idle", "No event has come in yet."),
        (None, 0, [], True, "ok", "Everything keeps up, no dead letter waits."),
        (
            None,
            0,
            [Behind("x", "ok", 1, 0)],
            True,
            "ok",
            "Everything keeps up, no dead letter waits.",
        ),
        (
            *(FAILING, 0, [], True, "bad"),
            "Payment has been failing since 14:02 in release 1.8.0: 214 orders, EUR 12,430 "
            "are waiting.",
        ),
        (
            *(FAILING, 2, [LATE], True, "bad"),
            "Payment has been failing since 14:02 in release 1.8.0: 214 orders, EUR 12,430 are "
            "waiting, and 2 more causes; analytics is 8 min 12 s behind and losing ground.",
        ),
        (None, 0, [LATE], True, "warn", "Analytics is 8 min 12 s behind and losing ground."),
        (
            *(None, 0, [LATE, Behind("stock", "stopped", None, 5)], True, "bad"),
            "Stock has stopped, and 1 more consumer needs a look.",
        ),
        (
            None,
            0,
            [Behind("x", "stalled", 60, 1)],
            True,
            "bad",
            "X is 1 min behind and stands still.",
        ),
        (
            None,
            0,
            [Behind("x", "catching_up", 3, 1)],
            True,
            "run",
            "X is 3 s behind and catching up.",
        ),
    ],
)
def test_the_sentence(
    failing: Failing | None, others: int, behind: list[Behind], seen: bool, tone: str, text: str
) -> None:
    said = headline(failing, others, behind, seen, NOW)
    assert (said.tone, _text(said)) == (tone, text)


def test_the_button_leads_to_the_worst() -> None:
    said = headline(FAILING, 0, [LATE], True, NOW)
    assert said.action is not None
    assert (said.action.text, said.action.url) == ("Open the payment group", FAILING.url)
    said = headline(None, 0, [LATE], True, NOW)
    assert said.action is not None
    assert said.action.text == "Look at analytics"


@pytest.mark.parametrize(
    ("failing", "untaken", "text"),
    [
        (None, Untaken(1), "1 older dead letter is not taken in."),
        (None, Untaken(16), "16 older dead letters are not taken in."),
        (None, Untaken(1, counted=False), "≥ 1 older dead letters are not taken in."),
        (
            *(FAILING, Untaken(2)),
            "Payment has been failing since 14:02 in release 1.8.0: 214 orders, EUR 12,430 "
            "are waiting; 2 older dead letters are not taken in.",
        ),
    ],
)
def test_letters_that_are_not_taken_in_are_said(
    failing: Failing | None, untaken: Untaken, text: str
) -> None:
    said = headline(failing, 0, [], seen_any=False, now=NOW, untaken=untaken)
    assert (said.tone, _text(said)) == ("bad", text)
