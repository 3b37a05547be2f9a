"""What a word is, what a question means, and how both databases are asked."""

import pytest

from tracing.search import words
from tracing.search.snippet import snippet
from tracing.search.words import Question, Term, cut, fts5, parse, tsquery, tsvector


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Order #4711 of Anna's", ["order", "4711", "of", "anna", "s"]),
        ("KeyError: 'currency'", ["keyerror", "currency"]),
        ("foo_bar-baz a.b/c", ["foo", "bar", "baz", "a", "b", "c"]),
        ("ÄPFEL Cafe\u0301", ["äpfel", "café"]),
        ("a\x00b \ud800 ••••", ["a", "b"]),
        ("x" * 99, ["x" * words.WORD_CHARACTERS]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_words(text: str, found: list[str]) -> None:
    assert cut(text) == found


def test_a_long_text_has_so_many_words_and_no_more() -> None:
    assert len(cut("a " * (words.WORDS + 5))) == words.WORDS


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("payment failed", [Term(("payment",)), Term(("failed",))]),
        ('"card declined" -test', [Term(("card", "declined")), Term(("test",), negated=True)]),
        ("curr*", [Term(("curr",), prefix=True)]),
        ("foo-bar", [Term(("foo", "bar"))]),
        ('-"a b" c', [Term(("a", "b"), negated=True), Term(("c",))]),
        ('"never closed', [Term(("never", "closed"))]),
        ("AND OR NOT NEAR(", [Term((w,)) for w in ("and", "or", "not", "near")]),
        ("a ' \" & | ! : * ( )", [Term(("a",))]),
    ],
)
def test_a_question_is_read(text: str, terms: list[Term]) -> None:
    assert parse(text) == Question(tuple(terms))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-only", "without a -"),
        ("***", "letters or digits"),
        ("", "letters or digits"),
        ("ab*", "before the *"),
        ("a" * 201, "characters"),
        ("a " * 13, "at most 12"),
    ],
)
def test_what_cannot_be_asked_says_what_to_do(text: str, says: str) -> None:
    found = parse(text)
    assert says in found.problem
    assert found.terms == ()


def test_both_databases_are_asked_the_same() -> None:
    question = parse('a "b c" -d -ee curr*')
    assert fts5(question) == '(("a" AND "b c" AND "curr"*) NOT "d") NOT "ee"'
    assert tsquery(question) == "('a') & ('b' <-> 'c') & !('d') & !('ee') & ('curr':*)"
    assert tsvector(["a", "b", "a"], "#7") == "'a':1,3 'b':2 '#7'"


@pytest.mark.parametrize(
    ("text", "asked", "found"),
    [
        ("the currency is EUR", "CURRENCY", "the [currency] is EUR"),
        ("one\ntwo  three", '"two three"', "one · [two  three]"),
        ("currencies", "currency", "currencies"),
        ("currencies", "curr*", "[currencies]"),
        ("nothing here", "currency", "nothing here"),
        ("a b a", "a -b", "[a] b [a]"),
    ],
)
def test_a_snippet_marks_what_was_asked_for(text: str, asked: str, found: str) -> None:
    pieces = snippet(text, parse(asked))
    assert "".join(f"[{one.text}]" if one.hit else one.text for one in pieces) == found


def test_a_snippet_of_a_long_text_is_around_the_match() -> None:
    pieces = snippet("word " * 100 + "needle" + " word" * 100, parse("needle"))
    text = "".join(one.text for one in pieces)
    assert len(text) < 200
    assert text.startswith("… word")
    assert "needle" in text
    assert text.endswith(" …")
