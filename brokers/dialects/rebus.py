"""The marks of Rebus on its error queue (Rebus.Messages.Headers)."""

from collections.abc import Mapping
from dataclasses import replace

from brokers.dialects.named import Named
from brokers.dialects.normal import DeadLetter

_DETAILS = "rbs2-error-details"
_NAMES = Named(
    name="rebus",
    certain=("rbs2-source-queue", _DETAILS),
    names=("rbs2-delivery-count",),
    consumer="rbs2-source-queue",
    topic="rbs2-source-queue",
    attempts="rbs2-delivery-count",
    error_stack=_DETAILS,
)


class Rebus:
    """The details are .NET's text of an exception: `Type: message`, then the stack."""

    name = _NAMES.name

    def recognises(self, headers: Mapping[str, str]) -> bool:
        """Whether the source queue or an error is named."""
        return _NAMES.recognises(headers)

    def read(self, headers: Mapping[str, str]) -> DeadLetter:
        """The normal form."""
        found = _NAMES.read(headers)
        kind, colon, message = found.error_stack.partition("\n")[0].partition(": ")
        if not colon or " " in kind:
            return replace(found, error_message=kind.strip())
        return replace(found, error_type=kind, error_message=message.strip())


DIALECT = Rebus()
