"""A cause in words: the same on every page. Pure."""

MALFORMED = "Malformed"


def cause(error_type: str, message: str, frame: str = "") -> str:
    """`KeyError 'currency' in order_amount()`; `LabelRejected: postcode does not exist`."""
    kind = error_type.rsplit(".", 1)[-1]
    if kind == MALFORMED:
        return f"not readable: {message}" if message else "not readable"
    glue = " " if message[:1] in {"'", '"', "`", "<", "("} else ": "
    text = f"{kind}{glue}{message}" if kind and message else kind or message or "no error given"
    return f"{text} in {frame}" if frame else text


def sentence(consumer: str, error_type: str, message: str, frame: str = "") -> str:
    """`payment fails with KeyError 'currency' in order_amount()`."""
    who = consumer or "a consumer"
    if error_type == MALFORMED:
        return f"{who} gets messages that are {cause(error_type, message)}"
    if not (error_type or message):
        return f"{who} gives letters up without naming an error"
    return f"{who} fails with {cause(error_type, message, frame)}"
