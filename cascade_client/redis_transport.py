"""Redis Streams as a transport; needs Redis 6.2 or newer, one server (no cluster)."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from cascade_client import fields
from cascade_client.envelope import Envelope, Fields, to_fields
from cascade_client.errors import Fenced, TransportError
from cascade_client.transport import Document, Idle, Lease, Lost, Outcome, Taken

WEEK_S = 7 * 86_400
PUBLISHED_S = 600  # how long a publish may be repeated after its answer got lost
RECEIPTS_KEPT = 100_000  # receipts on the stream, about: a tap takes them within seconds


# Answers of a server that is there and cannot write for now: waiting helps, trying does not.
NOT_NOW = ("OOM ", "MISCONF", "READONLY", "LOADING", "NOREPLICAS", "MASTERDOWN", "BUSY ")


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise TransportError(str(error)) from error
    except ResponseError as error:
        if any(word in str(error) for word in NOT_NOW):
            raise TransportError(str(error)) from error
        raise


@cache
def _source(name: str) -> str:
    return (files("cascade_client") / "scripts" / f"{name}.lua").read_text()


def _flat(pairs: Fields) -> list[bytes]:
    return [part for pair in pairs for part in pair]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


class RedisTransport:
    """Topics as partitioned streams `<topic>.<n>`; safe to share between threads.

    `partitions` gives the number of a topic's streams, `remember_s` how long a consumer knows an
    event it has handled, `longest` bounds the streams of topics (about; None keeps everything).
    """

    def __init__(
        self,
        redis: "Redis",
        partitions: Mapping[str, int] | None = None,
        default_partitions: int = 3,
        *,
        remember_s: float = WEEK_S,
        longest: int | None = None,
    ) -> None:
        """Raises ValueError for a client that decodes answers: bodies are bytes."""
        if redis.connection_pool.connection_kwargs.get("decode_responses"):
            raise ValueError("a client with decode_responses=True cannot carry bytes")
        self._redis: Any = redis
        self._partitions = dict(partitions or {})
        self._default_partitions = default_partitions
        self._remember_ms = _ms(remember_s)
        self._longest = longest or 0
        self._scripts = {
            name: self._redis.register_script(_source(name))
            for name in (
                *("publish", "join", "acquire", "renew", "release"),
                *("take", "commit", "dead_letter"),
            )
        }

    @classmethod
    def from_url(cls, url: str, **options: Any) -> "RedisTransport":
        """A transport with a client of its own: `redis://host:port/db`."""
        return cls(Redis.from_url(url, socket_connect_timeout=5, socket_timeout=10), **options)

    def close(self) -> None:
        """Close idle connections."""
        self._redis.close()

    def _run(self, script: str, keys: Iterable[str], args: Iterable[Any]) -> Any:
        with _reachable():
            return self._scripts[script](keys=list(keys), args=list(args))

    # -- publishing

    def stream_of(self, topic: str, event: Envelope) -> str:
        """The partition of an event: CRC-32 of its key, or of its ID where it has no key."""
        lane = event.partition_key or event.id
        return fields.stream_name(topic, zlib.crc32(lane.encode()) % self._count(topic))

    def publish(self, topic: str, event: Envelope) -> str:
        """See Transport."""
        marker = f"cascade:published:{topic}:{fields.identity(event.source, event.id).hex()}"
        keys = [self.stream_of(topic, event), marker]
        args = [_ms(PUBLISHED_S), self._longest, *_flat(to_fields(event))]
        return str(self._run("publish", keys, args).decode())

    def report(self, receipt: Fields) -> None:
        """See Transport."""
        with _reachable():
            self._redis.xadd(fields.RECEIPTS, dict(receipt), maxlen=RECEIPTS_KEPT)

    # -- topics and members

    def _count(self, topic: str) -> int:
        return self._partitions.get(topic, self._default_partitions)

    def streams(self, topics: Iterable[str]) -> list[str]:
        """See Transport."""
        return sorted(
            fields.stream_name(topic, number)
            for topic in topics
            for number in range(self._count(topic))
        )

    def prepare(self, stream: str, consumer: str) -> None:
        """See Transport."""
        try:
            with _reachable():
                self._redis.xgroup_create(stream, consumer, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def join(self, consumer: str, process: str, ttl_s: float) -> int:
        """See Transport."""
        return int(self._run("join", [f"cascade:processes:{consumer}"], [process, _ms(ttl_s)]))

    def leave(self, consumer: str, process: str) -> None:
        """See Transport."""
        with _reachable():
            self._redis.zrem(f"cascade:processes:{consumer}", process)

    # -- leases

    def acquire(self, stream: str, consumer: str, process: str, ttl_s: float) -> Lease | None:
        """See Transport."""
        keys = [f"cascade:lease:{stream}|{consumer}", fields.FENCES]
        token = self._run("acquire", keys, [f"{stream}|{consumer}", process, _ms(ttl_s)])
        return Lease(stream, consumer, process, token.decode()) if token else None

    def renew(self, lease: Lease, ttl_s: float) -> bool:
        """See Transport."""
        keys = [_lease_key(lease), fields.FENCES, fields.RECLAIMS, fields.HONOURS_MARK]
        args = [_fence(lease), lease.process, _ms(ttl_s), lease.token, lease.consumer]
        return bool(self._run("renew", keys, args))

    def release(self, lease: Lease) -> None:
        """See Transport."""
        keys = [_lease_key(lease), fields.FENCES, lease.stream]
        self._run("release", keys, [_fence(lease), lease.token, lease.consumer, lease.process])

    # -- handling

    def take(self, lease: Lease) -> Taken | Lost | Idle:
        """See Transport."""
        keys = [lease.stream, fields.FENCES, fields.REPLAYS]
        args = [_fence(lease), lease.token, lease.consumer, lease.process]
        try:
            kind, *rest = self._run("take", keys, args)
        except ResponseError as error:
            if "NOGROUP" not in str(error) and "no such key" not in str(error):
                raise
            self.prepare(lease.stream, lease.consumer)
            return Idle("0")
        if kind == b"fenced":
            raise Fenced(lease.stream)
        if kind == b"idle":
            return Idle(rest[0].decode())
        position, deliveries, replay = rest[0].decode(), int(rest[1]), rest[2].decode()
        if kind == b"lost":
            return Lost(position, deliveries, replay)
        values = iter(rest[3])
        return Taken(position, deliveries, tuple(zip(values, values, strict=True)), replay)

    def wait(self, stream: str, after: str, timeout_s: float) -> None:
        """See Transport."""
        with _reachable():
            self._redis.xread({stream: after}, count=1, block=_ms(timeout_s))

    def extend(self, lease: Lease, position: str) -> None:
        """See Transport."""
        with _reachable():
            self._redis.xclaim(
                lease.stream, lease.consumer, lease.process, 0, [position], justid=True
            )

    def seen(self, consumer: str, identity: bytes) -> bool:
        """See Transport."""
        with _reachable():
            return bool(self._redis.exists(_marker_key(consumer, identity)))

    def read_document(self, consumer: str, name: str) -> tuple[int, Any]:
        """See Transport."""
        with _reachable():
            version, body = self._redis.hmget(_document_key(consumer, name), "version", "body")
        return (0, None) if version is None else (int(version), json.loads(body))

    def commit(self, lease: Lease, outcome: Outcome) -> str:
        """See Transport."""
        marked = outcome.identity is not None
        marker = _marker_key(lease.consumer, outcome.identity or b"")
        args: list[Any] = [_fence(lease), lease.token, lease.consumer, outcome.position]
        args += [self._remember_ms if marked else 0, len(outcome.documents)]
        for document in outcome.documents:
            args += _document_args(lease.consumer, document)
        messages = [
            (self.stream_of(topic, event), self._longest, to_fields(event))
            for topic, event in outcome.events
        ]
        if outcome.receipt:
            messages.append((fields.RECEIPTS, RECEIPTS_KEPT, list(outcome.receipt)))
        args.append(len(messages))
        for stream, longest, pairs in messages:
            args += [stream, longest, 2 * len(pairs), *_flat(pairs)]
        keys = [lease.stream, fields.FENCES, marker, fields.REPLAYS]
        answer = str(self._run("commit", keys, args).decode())
        if answer == "fenced":
            raise Fenced(lease.stream)
        return answer

    def dead_letter(
        self, lease: Lease, position: str, stamps: Fields, receipt: Fields
    ) -> str | None:
        """See Transport."""
        queue = fields.dead_letter_stream(fields.topic_of(lease.stream), lease.consumer)
        keys = [lease.stream, fields.FENCES, queue, fields.RECEIPTS, fields.REPLAYS]
        args: list[Any] = [_fence(lease), lease.token, lease.consumer, position, RECEIPTS_KEPT]
        args += [2 * len(stamps), *_flat(stamps), *_flat(receipt)]
        answer, *rest = self._run("dead_letter", keys, args)
        if answer == b"fenced":
            raise Fenced(lease.stream)
        return rest[0].decode() if rest else None


def _fence(lease: Lease) -> str:
    return f"{lease.stream}|{lease.consumer}"


def _lease_key(lease: Lease) -> str:
    return f"cascade:lease:{lease.stream}|{lease.consumer}"


def _marker_key(consumer: str, identity: bytes) -> str:
    return f"cascade:handled:{consumer}:{identity.hex()}"


def _document_key(consumer: str, name: str) -> str:
    return f"cascade:state:{consumer}:{name}"


def _document_args(consumer: str, document: Document) -> list[Any]:
    written = document.body is not None
    keep_ms = 0 if document.keep_s is None else _ms(document.keep_s)
    key = _document_key(consumer, document.name)
    return [key, document.version, int(written), document.body or b"", keep_ms]
