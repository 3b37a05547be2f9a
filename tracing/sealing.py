"""Keyed hashes of business keys that must not be kept as they are (a customer's address)."""

from functools import cache
from hashlib import blake2b

from django.conf import settings

from brokers.config import current, pointer_of

SEALED = "~"  # what a sealed value begins with
DIGEST = 12  # bytes


def seal(kind: str, value: str) -> str:
    """The hash that stands for this value: the same for the same SECRET_KEY, and no way back."""
    mark = blake2b(
        f"{kind}\0{value}".encode(errors="surrogatepass"), digest_size=DIGEST, key=_key()
    )
    return f"{SEALED}{mark.hexdigest()}"


def stored(key: str) -> str:
    """A key as it is kept: `customer:anna@example.org` by its hash, where that kind is hashed."""
    kind, _, value = key.partition(":")
    declared = current().keys.get(kind)
    if declared is None or not pointer_of(declared)[1] or value.startswith(SEALED):
        return key
    return f"{kind}:{seal(kind, value)}"


def meant(text: str) -> list[str]:
    """The keys a text may mean, as they are kept: `4711` is looked for as every kind of key."""
    bare = text.removeprefix("#")
    return [stored(text), *(stored(f"{kind}:{bare}") for kind in current().keys)]


@cache
def _key() -> bytes:
    return blake2b(settings.SECRET_KEY.encode(), person=b"business keys").digest()
