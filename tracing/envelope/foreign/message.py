"""What a reader is given of a message that is no CloudEvent, and what it answers."""

from typing import Any

import msgspec

_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Message:
    """One message: headers (the fields beside the body), content type, body. Parsed once."""

    __slots__ = ("_document", "body", "content_type", "headers", "key")

    def __init__(
        self, headers: dict[str, str], content_type: str, body: bytes | None, key: str = ""
    ) -> None:
        self.headers = headers
        self.content_type = content_type
        self.body = body
        self.key = key  # the name of the body's field, where it is no usual one
        self._document: Any = msgspec.UNSET

    @property
    def document(self) -> Any:
        """The parsed body; None when it is no JSON."""
        if self._document is msgspec.UNSET:
            self._document = parsed(self.body)
        return self._document

    def members(self, *marks: bytes) -> dict[str, Any]:
        """The body's members when it is a JSON object and all these bytes occur in it, else none.

        The marks spare the parsing of bodies that cannot be meant.
        """
        body = self.body
        if not body:
            return {}
        for mark in marks:  # no generator: this is done several times a message
            if mark not in body:
                return {}
        return self.document if isinstance(self.document, dict) else {}

    def member(self, name: str) -> bytes | None:
        """One member of a body that is a JSON object, byte for byte; None: it is not there."""
        found = _RAW.decode(self.body or b"{}").get(name)
        return None if found is None else bytes(found)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader found; what is empty is not said. `data` None: the body as it came."""

    reader: str  # the framework's name
    id: str = ""
    source: str = ""
    type: str = ""
    time: str | int | float = ""
    correlation: str = ""
    causation: tuple[str, ...] = ()
    partition_key: str = ""
    subject: str = ""
    sequence: str = ""
    content_type: str = ""
    data: bytes | None = None
    headers: dict[str, str] = {}  # beside those of the message
    row: Any = None  # where the configured keys point into, if not into the data


def parsed(body: bytes | None) -> Any:
    """A body as JSON; None when it is none."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def text(value: Any) -> str:
    """A text or an integer as text; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def texts(value: Any) -> dict[str, str]:
    """Those members of an object that are texts or numbers."""
    if not isinstance(value, dict):
        return {}
    return {str(name): found for name, inner in value.items() if (found := text(inner))}
