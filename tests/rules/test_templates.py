"""What no template may contain: it would die under the strict CSP, or grow past reading."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
MOST_LINES = 120

BANNED = {
    "inline style": re.compile(r"<[^>]*\sstyle\s*=|<style\b", re.IGNORECASE),
    "event attribute": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "hx-on": re.compile(r"\bhx-on\b"),
    "js: expression": re.compile(r"[\"'\s]js:|javascript:", re.IGNORECASE),
    "trigger filter": re.compile(r"hx-trigger[^=>]*=\s*(\"[^\"]*\[|'[^']*\[)"),
    "foreign address": re.compile(r"\b(?:src|href)\s*=\s*[\"'](?:https?:)?//"),
}
_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script>", re.DOTALL)
_TAGS = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)


def offences(text: str) -> list[str]:
    """The names of the rules that a template's text breaks."""
    markup = _TAGS.sub("", text)
    found = [name for name, pattern in BANNED.items() if pattern.search(markup)]
    for script in _SCRIPT.finditer(markup):
        data = 'type="application/json"' in script["attributes"]
        if script["body"].strip() and not data:
            found.append("inline script")
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_passes_the_strict_csp_and_can_be_read(path: Path) -> None:
    text = path.read_text()
    assert offences(text) == []
    assert len(text.splitlines()) < MOST_LINES


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ('<p style="width: 38%">', "inline style"),
        ("<style>p {}</style>", "inline style"),
        ('<p class="a" onclick="go()">', "event attribute"),
        ('<p hx-on:click="go()">', "hx-on"),
        ("<p hx-vals='js:{a: 1}'>", "js: expression"),
        ('<a href="javascript:go()">', "js: expression"),
        ('<p hx-trigger="every 3s [live]">', "trigger filter"),
        ("<script>go()</script>", "inline script"),
        ('<script src="https://cdn.example/x.js"></script>', "foreign address"),
    ],
)
def test_the_rule_sees_what_it_bans(text: str, rule: str) -> None:
    assert offences(text) == [rule]


def test_the_rule_lets_the_usual_pass() -> None:
    usual = (
        "<script src=\"{% static 'js/live.js' %}\" defer></script>"
        '<script type="application/json" id="tp">{"x": [1]}</script>'
        '<svg class="g"><rect x="3%" width="{{ part.width }}%"/></svg>'
        '<section hx-trigger="every 3s" hx-confirm="Discard?">on = off</section>'
    )
    assert offences(usual) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_builds_no_code_and_no_markup_from_text(path: Path) -> None:
    assert not re.search(
        r"\beval\(|new Function|\.innerHTML\b|insertAdjacentHTML", path.read_text()
    )
