"""Letters as lines: CSV for a spreadsheet, NDJSON for a program; masked like every page."""

import csv
import io
import json
from collections.abc import Iterator

from django.db.models import QuerySet

from dlq import documents, payloads
from dlq.models import Letter
from kit.redaction import mask_headers

FORMATS = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
MOST = 100_000  # letters in one export; the rest needs a narrower filter
CHUNK = 500
COLUMNS = (
    *("id", "state", "consumer", "type", "label", "amount", "currency", "error_type"),
    *("error_message", "reason", "dialect", "attempts", "deaths", "first_died_at", "died_at"),
    *("stream", "position", "flow", "event_source", "event_id"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def lines(letters: "QuerySet[Letter]", form: str) -> Iterator[str]:
    """The newest first, at most MOST; read by pages, so that an export holds nothing up."""
    return _csv(letters) if form == "csv" else _ndjson(letters)


def _rows(letters: "QuerySet[Letter]") -> Iterator[Letter]:
    left, last = MOST, None
    while left > 0:
        found = letters if last is None else letters.filter(pk__lt=last)
        page = list(found.order_by("-pk")[: min(CHUNK, left)])
        yield from page
        left -= len(page)
        if len(page) < CHUNK:
            return
        last = page[-1].pk


def _csv(letters: "QuerySet[Letter]") -> Iterator[str]:
    yield _line(COLUMNS)
    for letter in _rows(letters.defer("payload", "headers", "error_stack")):
        document = documents.letter(letter).model_dump()
        yield _line(tuple(_cell(document[name]) for name in COLUMNS))


def _line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _ndjson(letters: "QuerySet[Letter]") -> Iterator[str]:
    for letter in _rows(letters.defer("error_stack")):
        shown = payloads.shown(bytes(letter.payload) if letter.payload is not None else None)
        document = documents.letter(letter).model_dump() | {
            "headers": mask_headers(letter.headers),
            "payload": shown.text,
            "payload_kind": shown.kind,
            "payload_cut": shown.cut,
        }
        yield json.dumps(document, ensure_ascii=False) + "\n"
