"""The body of a stored event, wherever it is kept: the one way to read it."""

from tracing.models import Event, Payload


def body_of(event: Event) -> bytes | None:
    """The body as it came, up to INTAKE_EVENT_BYTES; None where there is none.

    `event.size` is how many bytes it had. A body that is kept apart is read with one more query.
    """
    if event.data is not None or not event.size:
        return None if event.data is None else bytes(event.data)
    found = Payload.objects.filter(identity=event.identity, body_hash=event.body_hash)
    data = found.values_list("data", flat=True).first()
    return None if data is None else bytes(data)
