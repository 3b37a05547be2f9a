"""The place of a text where a question matches it. Pure."""

import re
from dataclasses import dataclass
from unicodedata import normalize

from tracing.search.words import Question, Term

BEFORE, AFTER = 40, 120  # characters around the first match


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a snippet; `hit` when it is what was asked for."""

    text: str
    hit: bool = False


def snippet(text: str, question: Question) -> tuple[Piece, ...]:
    """The surroundings of the first match, in pieces; the beginning where there is none."""
    line = " · ".join(part.strip() for part in normalize("NFKC", text).splitlines() if part.strip())
    pattern = _pattern(question.wanted)
    first = pattern.search(line)
    start = max(0, first.start() - BEFORE) if first else 0
    if start:
        start = line.find(" ", start, first.start() if first else None) + 1 or start
    end = (first.end() if first else 0) + AFTER
    pieces = _pieces(line[start:end], pattern)
    return (
        *([Piece("… ")] if start else []),
        *pieces,
        *([Piece(" …")] if end < len(line) else []),
    )


def _pieces(line: str, pattern: re.Pattern[str]) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    for found in pattern.finditer(line):
        pieces += [Piece(line[at : found.start()]), Piece(found[0], hit=True)]
        at = found.end()
    pieces.append(Piece(line[at:]))
    return [piece for piece in pieces if piece.text]


def _pattern(terms: tuple[Term, ...]) -> re.Pattern[str]:
    """Any of the terms, as whole words."""
    return re.compile("|".join(map(_one, terms)) or r"(?!)", re.IGNORECASE)


def _one(term: Term) -> str:
    words = r"[\W_]+".join(map(re.escape, term.words))
    return rf"(?<![^\W_]){words}" + (r"[^\W_]*" if term.prefix else r"(?![^\W_])")
