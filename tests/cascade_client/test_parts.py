"""Back-off and scrubbing."""

import pytest

from cascade_client import Retry
from cascade_client.scrub import MESSAGE_BYTES, STACK_BYTES, describe, scrub


@pytest.mark.parametrize(
    ("attempt", "chance", "delay_s"),
    [(1, 0.5, 0.25), (2, 0.5, 0.5), (3, 0.0, 0.8), (3, 1.0, 1.2), (9, 1.0, 5.0), (9999, 0.5, 5.0)],
)
def test_waits_grow_within_their_bound(attempt: int, chance: float, delay_s: float) -> None:
    assert Retry().delay_s(attempt, chance) == pytest.approx(delay_s)


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"jitter": 1.5}, {"factor": 0.5}])
def test_figures_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"needed|at least"):
        Retry(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("password=hunter2 next", "password=*** next"),
        ('{"api_key": "a b", "id": 1}', '{"api_key": ***, "id": 1}'),
        ("redis://me:secret@host/0", "redis://me:***@host/0"),
        ("Authorization: Bearer abcdef123456", "Authorization: *** ***"),
        ("sent Bearer abcdef123456", "sent Bearer ***"),
        ("card 4111 1111 1111 1111 declined", "card *** declined"),
        ("order 1234567890123456", "order 1234567890123456"),
        ("to DE89 3704 0044 0532 0130 00", "to ***"),
        ("KeyError: 'currency'", "KeyError: 'currency'"),
    ],
)
def test_secrets_do_not_leave(text: str, clean: str) -> None:
    assert scrub(text) == clean


def test_errors_are_capped_at_the_end_that_tells_least() -> None:
    try:
        raise ValueError("é" * 20_000)
    except ValueError as error:
        text = describe(error)
    assert text.type == "ValueError"
    assert text.message.startswith("éé")
    assert len(text.message.encode()) <= MESSAGE_BYTES
    assert text.stack.endswith("é\n")
    assert len(text.stack.encode()) <= STACK_BYTES
