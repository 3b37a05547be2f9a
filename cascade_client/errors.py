"""What can go wrong, by who has to act on it."""


class TransportError(Exception):
    """The broker could not be reached; whoever called may try again."""


class Fenced(Exception):
    """Another process owns this partition now; nothing was written."""


class Conflict(Exception):
    """A state document changed since it was read, again and again."""


class Permanent(Exception):
    """Raised by a handler: no further try can help, dead-letter at once."""


class ProcessLost(Exception):
    """The process ended during the last try allowed; there is no stack to show."""


class PayloadLost(Exception):
    """The entry was trimmed or deleted before it was handled."""


class Malformed(Exception):
    """The message cannot be read; it is dead-lettered without a try."""


class NotJson(Malformed):
    """The body says it is JSON and is not."""
