"""Words of a text, and what a person asks for, as both databases take it. Pure.

Both databases are given words that are cut here, so that they agree on what a word is.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from unicodedata import normalize

WORDS = 4_000  # of one text; the rest is not found
WORD_CHARACTERS = 64  # of one word; the rest of it is cut off
POSITIONS = 255  # of one word in one text: PostgreSQL keeps no more
QUESTION_CHARACTERS = 200
TERMS = 12  # of one question
PREFIX_LEAST = 3  # characters before `*`: a shorter beginning is that of half the words
_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(?P<not>-)?(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')


def cut(text: str) -> list[str]:
    """The words of a text in their order, in small letters, at most WORDS."""
    found = islice(_WORD.finditer(normalize("NFKC", text).lower()), WORDS)
    return [word[0][:WORD_CHARACTERS] for word in found]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side; with `prefix` the last one is only begun."""

    words: tuple[str, ...]
    prefix: bool = False
    negated: bool = False

    @property
    def exact(self) -> tuple[str, ...]:
        """Those words that are whole."""
        return self.words[:-1] if self.prefix else self.words


@dataclass(frozen=True, slots=True)
class Question:
    """All of the terms together. `problem` says why nothing can be looked for, and what to do."""

    terms: tuple[Term, ...] = ()
    problem: str = ""

    @property
    def wanted(self) -> tuple[Term, ...]:
        """What must be there."""
        return tuple(term for term in self.terms if not term.negated)

    @property
    def unwanted(self) -> tuple[Term, ...]:
        """What must not be there."""
        return tuple(term for term in self.terms if term.negated)


def parse(text: str) -> Question:
    """`words`, `"a phrase"`, `begin*`, `-not`, as web searches take them; raises nothing."""
    if len(text) > QUESTION_CHARACTERS:
        return Question(problem=f"ask with at most {QUESTION_CHARACTERS} characters")
    terms = [term for found in _TERM.finditer(text) if (term := _term(found)).words]
    if len(terms) > TERMS:
        return Question(problem=f"ask for at most {TERMS} words or phrases")
    if all(term.negated for term in terms):
        return Question(problem="name a word that must be there: letters or digits, without a -")
    short = next((t for t in terms if t.prefix and len(t.words[-1]) < PREFIX_LEAST), None)
    if short is not None:
        return Question(problem=f"give at least {PREFIX_LEAST} characters before the *")
    return Question(tuple(terms))


def _term(found: re.Match[str]) -> Term:
    phrase = found["phrase"]
    text = phrase if phrase is not None else found["word"]
    words = tuple(cut(text))
    return Term(words, prefix=text.endswith("*"), negated=found["not"] is not None)


def fts5(question: Question) -> str:
    """The question in the syntax of SQLite's FTS5."""
    wanted = " AND ".join(map(_fts5, question.wanted))
    for term in question.unwanted:
        wanted = f"({wanted}) NOT {_fts5(term)}"
    return wanted


def _fts5(term: Term) -> str:
    return f'"{" ".join(term.words)}"{"*" if term.prefix else ""}'


def tsquery(question: Question) -> str:
    """The question as the text of a PostgreSQL tsquery."""
    parts = [f"{'!' if term.negated else ''}({_tsquery(term)})" for term in question.terms]
    return " & ".join(parts)


def _tsquery(term: Term) -> str:
    quoted = [f"'{word}'" for word in term.words]
    return " <-> ".join(quoted) + (":*" if term.prefix else "")


def tsvector(words: Sequence[str], *marks: str) -> str:
    """Words with their positions as the text of a PostgreSQL tsvector, and marks without one."""
    places: dict[str, list[str]] = defaultdict(list)
    for number, word in enumerate(words, 1):
        if len(places[word]) < POSITIONS:
            places[word].append(str(number))
    parts = [f"'{word}':{','.join(at)}" for word, at in places.items()]
    return " ".join([*parts, *(f"'{mark}'" for mark in marks)])
