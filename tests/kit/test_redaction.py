"""Masking: what is hidden, and what must stay readable."""

import pytest

from kit.redaction import MASK, is_secret, mask_headers, mask_json, mask_text


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwd", "db_password", "secret", "client_secret", "token", "access_token"),
        *("Authorization", "cookie", "api_key", "api-key", "private_key", "card_number", "cvv"),
        *("iban", "pin", "pan", "credentials", "passwordHash", "old_password_2", "db-pass", "pwd"),
    ],
)
def test_secret_names(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["order_id", "currency", "company", "shipping", "ce-id", "span", "compass"]
)
def test_other_names(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail to jane.doe@example.org failed", f"mail to j{MASK}@example.org failed"),
        ("card 4111 1111 1111 1111 declined", f"card {MASK} 1111 declined"),
        ("order 4711471147114712 is not a card", "order 4711471147114712 is not a card"),
        ("Bearer abcdefgh12345", f"Bearer {MASK}"),
        ("password=hunter2&x=1", f"password={MASK}&x=1"),
        ("redis://:s3cret@127.0.0.1:6379/0", f"redis://:{MASK}@127.0.0.1:6379/0"),
        ("KeyError: 'currency'", "KeyError: 'currency'"),
        ("2026-08-18T14:23:04Z", "2026-08-18T14:23:04Z"),
    ],
)
def test_text(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_json_keeps_its_shape() -> None:
    value = {
        "total": 12.5,
        "card_number": "4111",
        "inner": [{"token": None, "mail": "a@b.example"}],
    }
    assert mask_json(value) == {
        "total": 12.5,
        "card_number": MASK,
        "inner": [{"token": None, "mail": f"a{MASK}@b.example"}],
    }


def test_too_deep_is_masked_and_does_not_fail() -> None:
    deep: object = "bottom"
    for _ in range(500):
        deep = [deep]
    assert MASK in str(mask_json(deep))


def test_headers() -> None:
    assert mask_headers({"Authorization": "x", "ce-id": "1"}) == {
        "Authorization": MASK,
        "ce-id": "1",
    }
