"""Single posts committed together: many requests, one transaction, one write to the disk.

Bounded by events and bytes: beyond, a post is told to come again. When a group fails, each of
its members is committed alone, so that one bad row harms no neighbour.
"""

import os
import threading
from collections import deque
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from brokers.config import current
from kit.http import Problem
from kit.limits import MIB
from kit.writes import writing
from tracing import store
from tracing.envelope import Envelope
from tracing.store import Seen, Taken

GROUP = 250  # posts in one transaction
WAITING = 1_000  # posts in the queue: beyond, 503
WAITING_BYTES = 32 * MIB  # of their data: beyond, 503
PATIENCE_S = 30.0  # how long a post waits for its commit
RETRY_AFTER_S = 2
IDLE_S = 2.0  # without posts, after which the thread and its connection end
AWAY = (OperationalError, InterfaceError)  # the database, not the row, is at fault


def committed_together(found: Sequence[Seen]) -> Taken:
    """Store a batch in one transaction. Raises Problem 503 when the database is away."""
    try:
        with writing():
            return store.take(found, keys=current().keys)
    except DatabaseError as error:
        raise _failure(error) from error


def committed_alone(one: Seen) -> Taken:
    """Store one post, together with whoever else waits. Raises Problem 503."""
    return _committer().commit(one)


class _Post:
    """One post, and what became of it once `done` can be acquired."""

    __slots__ = ("done", "error", "seen", "size", "taken")

    def __init__(self, seen: Seen) -> None:
        data = seen.message.data if isinstance(seen.message, Envelope) else None
        self.seen = seen
        self.size = len(data or b"")
        self.done = threading.Lock()  # a lock alone: an Event costs ten times as much
        self.done.acquire()
        self.taken: Taken | None = None
        self.error: Exception | None = None


class Committer:
    """One thread that commits what the request threads of this process hand it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._changed = threading.Condition()
        self._bytes = 0
        self._posts: deque[_Post] = deque()
        self._runs = False

    def commit(self, one: Seen) -> Taken:
        """What became of this one, once it is committed. Raises Problem 503."""
        post = _Post(one)
        self._admit(post)
        if not post.done.acquire(timeout=PATIENCE_S):
            raise _busy("it waits for the database and may still be stored; send it again")
        if post.error is not None:
            raise _failure(post.error) from post.error
        assert post.taken is not None  # noqa: S101  # done without an error
        return post.taken

    def _admit(self, post: _Post) -> None:
        with self._changed:
            if self._bytes and self._bytes + post.size > WAITING_BYTES:
                raise _busy("too much waits to be committed")
            if len(self._posts) >= WAITING:
                raise _busy("too many wait to be committed")
            self._posts.append(post)
            self._bytes += post.size
            if self._runs:
                self._changed.notify()
                return
            threading.Thread(target=self._run, name="group-commit", daemon=True).start()
            self._runs = True

    def _run(self) -> None:
        while posts := self._next():
            try:
                _commit(posts)
            except Exception as error:  # the connection cannot even be closed: on with another
                for post in posts:
                    post.error = post.error or error
            finally:
                with self._changed:
                    self._bytes -= sum(post.size for post in posts)
                for post in posts:
                    post.done.release()
        connection.close()

    def _next(self) -> list[_Post]:
        """The next group; empty after a while without posts: then the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._posts, IDLE_S)
            self._runs = bool(self._posts)
            return [self._posts.popleft() for _ in range(min(GROUP, len(self._posts)))]


def _commit(posts: Sequence[_Post]) -> None:
    try:
        taken = _stored(posts)
    except Exception as error:
        connection.close()
        if len(posts) == 1 or isinstance(error, AWAY):
            for post in posts:
                post.error = error
            return
        for post in posts:
            _commit([post])
        return
    new = set(taken.new)
    for post in posts:
        identity = post.seen.message.identity if isinstance(post.seen.message, Envelope) else b""
        first = identity in new
        new.discard(identity)  # of two posts of one event, one is the new one
        post.taken = Taken(accepted=int(first), duplicates=int(not first), malformed=0)


def _stored(posts: Sequence[_Post]) -> Taken:
    with writing():
        return store.take([post.seen for post in posts], keys=current().keys)


_committers: list[Committer] = []
_making = threading.Lock()


def _committer() -> Committer:
    """This process's own: made at its first post, so after the server has forked."""
    with _making:
        if not _committers or _committers[0].process != os.getpid():
            _committers[:] = [Committer()]
        return _committers[0]


def _failure(error: Exception) -> Problem:
    if isinstance(error, AWAY):
        return _busy("the database is away; nothing was stored")
    return Problem(500, "Not stored", "the database refused it; nothing was stored")


def _busy(detail: str) -> Problem:
    return Problem(503, "Try again", detail, headers={"Retry-After": str(RETRY_AFTER_S)})
