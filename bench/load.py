"""Requests over many kept connections at once: each sends its next when the last is answered."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Where to post, and as whom."""

    port: int
    path: str
    token: str


def posted(target: Target, bodies: Iterator[bytes], connections: int, seconds: float) -> float:
    """Answers of 202 a second. Raises AssertionError on any other."""
    return asyncio.run(_posted(target, bodies, connections, seconds))


async def _posted(
    target: Target, bodies: Iterator[bytes], connections: int, seconds: float
) -> float:
    began = time.perf_counter()
    until = began + seconds
    senders = [_send(target, bodies, until) for _ in range(connections)]
    counts = await asyncio.gather(*senders)
    return sum(counts) / (time.perf_counter() - began)


async def _send(target: Target, bodies: Iterator[bytes], until: float) -> int:
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {target.token}\r\n"
        "Content-Type: application/cloudevents+json\r\nContent-Length: "
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    count = 0
    while time.perf_counter() < until:
        body = next(bodies)
        writer.write(b"%b%d\r\n\r\n%b" % (head, len(body), body))
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        text = await reader.readexactly(length)
        assert b" 202 " in answer.split(b"\r\n")[0], (answer, text)
        count += 1
    writer.close()
    return count
