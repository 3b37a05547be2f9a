"""The API of mappings: list, propose, try, save, delete."""

from dataclasses import asdict
from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router, Status
from pydantic import BaseModel

from brokers import config as configuration
from brokers.config import ConfigError
from brokers.connect import connect
from brokers.contract import BrokerError, Entry
from console.mappings import form, saved, trial
from console.models import StreamMapping
from kit.clock import rfc3339
from kit.http import Problem
from kit.permissions import Permission
from kit.security import BearerOrSession, actor, person
from tracing.envelope.suggest import SAMPLES

READ = BearerOrSession(Permission.READ)
ADMIN = BearerOrSession(Permission.ADMIN)

router = Router(tags=["mappings"])


class MappingIn(BaseModel):
    """A mapping of streams of one broker; places are pointers, `header:Name` or `=text`."""

    broker: str
    stream: str
    id: str = ""
    source: str = ""
    type: str = ""
    time: str = ""
    correlation: str = ""
    causation: str = ""
    partition_key: str = ""
    subject: str = ""
    body: str = ""
    keys: dict[str, str] = {}


class MappingOut(BaseModel):
    """One mapping; without an `id` it is console.toml's."""

    id: int | None
    broker: str | None
    stream: str
    places: dict[str, str]
    keys: dict[str, str]
    saved_by: str
    saved_at: str | None


class MappingsOut(BaseModel):
    """All mappings, in the order in which they are tried."""

    items: list[MappingOut]
    next: str | None = None
    count: int
    estimated: bool = False


class ProposalOut(BaseModel):
    """What is proposed for a stream, why, and what its last messages would become."""

    samples: int
    places: dict[str, str]
    keys: dict[str, str]
    why: dict[str, str]
    toml: str
    messages: list[dict[str, Any]]


class TriedOut(BaseModel):
    """What the last messages of a stream would become."""

    messages: list[dict[str, Any]]


@router.get("/mappings", response=MappingsOut, auth=READ)
def list_mappings(request: HttpRequest) -> MappingsOut:
    """Those of console.toml, then the saved ones."""
    items = [
        MappingOut(
            id=None,
            broker=one.broker,
            stream=one.stream,
            places=one.places(),
            keys=dict(one.keys),
            saved_by="console.toml",
            saved_at=None,
        )
        for one in configuration.current().mappings
    ]
    items += map(_out, saved.saved())
    return MappingsOut(items=items, count=len(items))


@router.get("/mappings/proposed", response=ProposalOut, auth=READ)
def propose(request: HttpRequest, broker: str, stream: str) -> ProposalOut:
    """A proposal from the last messages of a stream; nothing is saved."""
    entries = _last(broker, stream)
    proposed = trial.proposal(entries)
    mapping = proposed.mapping(broker, stream)
    told = trial.attempt(entries, mapping, configuration.current().keys)
    return ProposalOut(
        samples=proposed.samples,
        places=mapping.places(),
        keys=dict(mapping.keys),
        why={name: one.why for name, one in (*proposed.fields.items(), *proposed.keys.items())},
        toml=saved.toml(mapping),
        messages=[asdict(one) for one in told],
    )


@router.post("/mappings/try", response=TriedOut, auth=READ)
def attempt(request: HttpRequest, stream: str, wanted: MappingIn) -> TriedOut:
    """What this mapping makes of the last messages of `stream`; nothing is saved."""
    given = _typed(wanted)
    told = trial.attempt(_last(wanted.broker, stream), given, configuration.current().keys)
    return TriedOut(messages=[asdict(one) for one in told])


@router.post("/mappings", response={201: MappingOut}, auth=ADMIN)
def save(request: HttpRequest, wanted: MappingIn) -> Status[MappingOut]:
    """Save it, in the place of one for the same broker and streams."""
    try:
        row = saved.save(_typed(wanted), actor=actor(request), user=person(request))
    except saved.Refused as error:
        raise Problem(422, "Not a mapping", str(error)) from error
    return Status(201, _out(row))


@router.delete("/mappings/{mapping_id}", response={204: None}, auth=ADMIN)
def delete(request: HttpRequest, mapping_id: int) -> Status[None]:
    """Take a saved one away; what was taken in by it stays."""
    row = StreamMapping.objects.filter(pk=mapping_id).first()
    if row is None:
        raise Http404(f"there is no saved mapping {mapping_id}")
    saved.delete(row, actor=actor(request), user=person(request))
    return Status(204, None)


def _typed(wanted: MappingIn) -> configuration.MappingConfig:
    said = wanted.model_dump()
    lines = "\n".join(f"{kind} = {place}" for kind, place in wanted.keys.items())
    given = form.typed({**said, "keys": lines}, wanted.broker)
    if given.mapping is None:
        errors = [{"path": name, "reason": why} for name, why in given.errors.items()]
        raise Problem(422, "Not a mapping", "see errors", errors)
    return given.mapping


def _last(broker: str, stream: str) -> list[Entry]:
    try:
        return connect(broker).latest(stream, SAMPLES)
    except ConfigError as error:
        raise Http404(str(error)) from error
    except BrokerError as error:
        raise Problem(503, "The broker does not answer", str(error)) from error


def _out(row: StreamMapping) -> MappingOut:
    return MappingOut(
        id=row.pk,
        broker=row.broker,
        stream=row.stream,
        places=row.places,
        keys=row.keys,
        saved_by=row.saved_by,
        saved_at=rfc3339(row.saved_at),
    )
