"""Revisions: the original untouched, identity locked, masks never stored, one audit entry each."""

import json
from typing import Any

import pytest

from dlq import editing, payloads
from dlq.editing import Conflict, EditError
from dlq.models import Letter, Revision
from kit.models import AuditEntry
from kit.redaction import MASK
from tests.dlq import rows

pytestmark = pytest.mark.django_db

ORDER = (
    b'{"order_id":"7","total":1.10,"card_token":"tok_4c1e","customer":{"email":"ann@shop.example"}}'
)


def letter(payload: bytes | None = ORDER, **columns: Any) -> Letter:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "e-7",
        "ce-source": "/orders",
        "ce-type": "OrderPlaced",
        "ce-correlationid": "flow-7",
        "content-type": "application/json",
        "authorization": "Bearer abcdefgh123",
    }
    return rows.letter(**{"payload": payload, "headers": headers, "event_id": "e-7", **columns})


def revise(of: Letter, text: str | None = None, **options: Any) -> Revision:
    headers = options.pop("headers", None)
    reason = options.pop("reason", "1.8.1 needs it")
    return editing.revise(of, text, headers, reason, "ann", **options)


def with_currency(of: Letter) -> str:
    text = payloads.editable(bytes(of.payload or b""))
    assert text is not None
    return text.replace('"total": 1.10', '"total": 1.10,\n  "currency": "EUR"')


def test_a_revision_holds_the_patch_and_the_exact_bytes() -> None:
    made = letter()
    text = with_currency(made)
    revision = revise(made, text)
    assert bytes(revision.payload or b"") == text.encode()
    assert revision.payload_patch == [{"op": "add", "path": "/currency", "value": "EUR"}]
    assert (revision.number, revision.actor, revision.reason) == (1, "ann", "1.8.1 needs it")
    made.refresh_from_db()
    assert bytes(made.payload or b"") == ORDER
    assert made.version == 2


def test_the_text_of_the_editor_is_the_real_one_and_no_number_in_it_changes() -> None:
    text = payloads.editable(ORDER)
    assert text is not None
    assert '"card_token": "tok_4c1e"' in text
    assert '"total": 1.10' in text
    assert json.loads(text) == json.loads(ORDER)


def test_what_is_shown_is_masked_and_what_is_kept_is_not() -> None:
    made = letter()
    assert "tok_4c1e" not in payloads.shown(ORDER).text
    assert "ann@" not in payloads.shown(ORDER).text
    revision = revise(made, with_currency(made))
    kept = bytes(revision.payload or b"")
    assert b"tok_4c1e" in kept
    assert MASK.encode() not in kept
    seen = editing.compare(made, editing.content(made))
    assert not [line for line in seen.diff.right if "tok_4c1e" in line.text]
    assert [line.text.strip() for line in seen.diff.right if line.kind == "add"] == [
        '"currency": "EUR",'
    ]


def test_a_mask_is_never_taken_for_the_value() -> None:
    made = letter()
    with pytest.raises(EditError, match="masked"):
        revise(made, payloads.shown(ORDER).text.replace('"total": 1.10', '"total": 1.20'))
    with pytest.raises(EditError, match="masked"):
        editing.revise(made, None, {**made.headers, "x-note": MASK}, "r", "ann")


def test_each_revision_is_made_on_the_original() -> None:
    made = letter()
    revise(made, with_currency(made))
    second = revise(made, with_currency(made).replace('"EUR"', '"USD"'))
    assert second.number == 2
    assert second.payload_patch == [{"op": "add", "path": "/currency", "value": "USD"}]
    assert editing.content(made).revision == second


def test_the_audit_has_digests_and_paths_and_no_secret() -> None:
    made = letter()
    text = with_currency(made).replace("tok_4c1e", "tok_9999")
    revise(made, text, headers={**made.headers, "authorization": "Bearer zyxwvuts987"})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target_kind, entry.target_id) == ("edit", "letter", str(made.pk))
    assert entry.reason == "1.8.1 needs it"
    assert entry.changes["payload"]["before"] == payloads.digest(ORDER)
    assert {op["path"] for op in entry.changes["diff"]} == {"/currency", "/card_token"}
    assert "authorization" in entry.changes["headers"]
    assert not [part for part in ("tok_", "zyxw", "abcdefgh") if part in json.dumps(entry.changes)]


@pytest.mark.parametrize("name", ["ce-id", "ce-source", "ce-correlationid"])
def test_what_says_which_event_it_is_is_locked(name: str) -> None:
    made = letter()
    with pytest.raises(EditError, match=f"{name} is locked"):
        revise(made, headers={**made.headers, name: "other"})
    without = {k: v for k, v in made.headers.items() if k != name}
    with pytest.raises(EditError, match=f"{name} is locked"):
        revise(made, headers=without)
    assert not Revision.objects.exists()


def test_a_body_that_is_the_whole_event_has_its_identity_locked_too() -> None:
    event = {"specversion": "1.0", "id": "e-7", "source": "/orders", "type": "OrderPlaced"}
    made = letter(
        json.dumps(event).encode(),
        headers={"content-type": "application/cloudevents+json"},
        content_type="application/cloudevents+json",
    )
    with pytest.raises(EditError, match="/id is locked"):
        revise(made, json.dumps(event | {"id": "e-8"}))
    assert revise(made, json.dumps(event | {"subject": "x"})).number == 1


def test_a_message_that_was_no_envelope_may_be_made_one() -> None:
    made = letter(b"<html>", headers={}, event_id="", source="", content_type="")
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "d-1",
        "ce-source": "/supplier",
        "ce-type": "StockDelivered",
        "content-type": "application/json",
    }
    revision = revise(made, '{"sku": "MUG"}', headers=headers)
    assert editing.content(made, revision).headers == headers
    assert revision.payload_patch is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cascadeattempt", "set by the machines"),
        ("dead-letter-reason", "set by the machines"),
        ("data", "set by the machines"),
        ("two words", "no name of a header"),
    ],
)
def test_headers_that_are_not_for_hands_are_refused(name: str, text: str) -> None:
    made = letter()
    with pytest.raises(EditError, match=text):
        revise(made, headers={**made.headers, name: "x"})


def test_an_edit_that_would_be_no_envelope_is_refused() -> None:
    made = letter()
    with pytest.raises(EditError, match="no envelope"):
        revise(made, headers={k: v for k, v in made.headers.items() if k != "ce-type"})


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{\n  "a": 1,\n  oops\n}', 3, 3), ("", 1, 1), ('{"a": NaN}', 0, 0)],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(EditError) as caught:
        revise(letter(), text)
    assert (caught.value.field, caught.value.line, caught.value.column) == ("payload", line, column)


def test_text_that_never_was_json_may_be_any_text() -> None:
    made = letter(b"<html>", headers={"x": "1"}, event_id="", source="", content_type="text/html")
    assert bytes(revise(made, "<p>").payload or b"") == b"<p>"


def test_white_space_alone_is_no_change() -> None:
    made = letter()
    with pytest.raises(EditError, match="Nothing is changed"):
        revise(made, payloads.editable(ORDER))
    with pytest.raises(EditError, match="Nothing is changed"):
        revise(made, None, headers=made.headers)


def test_the_line_ends_of_a_form_are_not_taken_for_an_edit() -> None:
    made = letter()
    revision = revise(made, with_currency(made).replace("\n", "\r\n"))
    assert b"\r" not in bytes(revision.payload or b"")


def test_headers_alone_leave_the_payload_byte_for_byte() -> None:
    made = letter()
    revision = revise(made, payloads.editable(ORDER), headers={**made.headers, "x-mended": "yes"})
    assert bytes(revision.payload or b"") == ORDER


def test_a_reason_is_needed() -> None:
    with pytest.raises(EditError, match="Say why"):
        revise(letter(), '{"a": 1}', reason="  ")


def test_a_letter_changed_meanwhile_is_a_conflict() -> None:
    made = letter()
    revise(made, with_currency(made), version=1)
    with pytest.raises(Conflict, match="changed since"):
        revise(made, '{"a": 1}', version=1)
    assert Revision.objects.count() == 1


@pytest.mark.parametrize("state", ["replaying", "maybe_sent", "mended", "discarded"])
def test_only_a_waiting_letter_can_be_edited(state: str) -> None:
    with pytest.raises(Conflict, match="only a waiting letter"):
        revise(letter(state=state), '{"a": 1}')


def test_a_payload_that_is_no_text_can_have_its_headers_edited_only() -> None:
    made = letter(b"\xff\x00", content_type="application/octet-stream")
    assert payloads.editable(b"\xff\x00") is None
    with pytest.raises(EditError, match="no text"):
        revise(made, "text")
    revision = revise(made, headers={**made.headers, "x-mended": "yes"})
    assert bytes(revision.payload or b"") == b"\xff\x00"


def test_a_preview_checks_and_keeps_nothing() -> None:
    made = letter()
    shown = editing.preview(made, with_currency(made), None)
    assert (shown.paths, shown.diff.changes) == (["/currency"], 1)
    with pytest.raises(EditError):
        editing.preview(made, "{", None)
    assert not Revision.objects.exists()
    assert not AuditEntry.objects.exists()
