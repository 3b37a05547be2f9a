"""What the page of lag shows: bands of consumers, worst first, and the one that is open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kit.formats import age
from lag import queries, trail
from lag.evaluate import SEVERITY, TROUBLE
from lag.models import Depth, Snapshot, Standing, Stream

SPARK_POINTS = 60
ROWS = 300  # beyond: the worst are shown, and the page says so


@dataclass(frozen=True)
class Row:
    """One consumer of one topic, as one line of the table."""

    standing: Standing
    queue: Depth | None  # its dead-letter queue
    spark: list[float | None]
    is_open: bool

    @property
    def key(self) -> str:
        """What the URL calls it."""
        return key_of(self.standing)

    @property
    def waits(self) -> bool:
        """Whether anything waits; None of it known counts as waiting."""
        return not (self.standing.messages == 0 and self.standing.pending == 0)

    @property
    def drawn(self) -> bool:
        """Whether there is enough history for a line."""
        return len([value for value in self.spark if value is not None]) > 1

    @property
    def spark_words(self) -> str:
        """The line in words, for those who do not see it."""
        known = [value for value in self.spark if value is not None]
        if not known:
            return "no history"
        return f"oldest message, last hour: at most {age(max(known))}, now {age(known[-1])}"


@dataclass
class Band:
    """Consumers under one head: a topic, or a verdict."""

    title: str
    broker: str = ""
    streams: Sequence[Stream] = ()
    verdict: str = ""
    rows: list[Row] = field(default_factory=list)

    @property
    def entries(self) -> int:
        """Entries kept on the broker."""
        return sum(stream.length for stream in self.streams)

    @property
    def first_at(self) -> datetime | None:
        """The time of the oldest entry kept."""
        times = [stream.first_at for stream in self.streams if stream.first_at]
        return min(times) if times else None

    @property
    def in_per_min(self) -> float | None:
        """What comes in a minute, as seen by its consumers."""
        known = [row.standing.in_per_min for row in self.rows]
        rates = [rate for rate in known if rate is not None]
        return max(rates) if rates else None


def key_of(row: Standing) -> str:
    """What the URL calls a consumer of a topic."""
    return f"{row.broker}/{row.topic}/{row.consumer}"


def rows(standings: Iterable[Standing], opened: str) -> list[Row]:
    """The lines of the table, in the order given."""
    topics = {(s.broker, s.stream): s.topic for s in queries.streams()}
    queues = {
        (depth.broker, topics.get((depth.broker, depth.stream), ""), depth.consumer): depth
        for depth in queries.depths()
        if depth.messages
    }
    return [
        Row(
            standing=each,
            queue=queues.get((each.broker, each.topic, each.consumer)),
            spark=trail.thinned(each.trail, SPARK_POINTS),
            is_open=key_of(each) == opened,
        )
        for each in standings
    ]


def by_stream(lines: Sequence[Row], *, quiet: bool) -> list[Band]:
    """Bands of topics, the one with the worst consumer first; `quiet`: also those nobody reads."""
    bands: dict[tuple[str, str], Band] = {}
    streams: dict[tuple[str, str], list[Stream]] = {}
    for stream in queries.streams().filter(role="topic"):
        streams.setdefault((stream.broker, stream.topic), []).append(stream)
    for line in lines:
        broker, topic = line.standing.broker, line.standing.topic
        if (broker, topic) not in bands:
            found = streams.get((broker, topic), [])
            bands[broker, topic] = Band(topic, broker=broker, streams=found)
        bands[broker, topic].rows.append(line)
    if quiet:
        for (broker, topic), found in streams.items():
            bands.setdefault((broker, topic), Band(topic, broker=broker, streams=found))
    return list(bands.values())


def by_verdict(lines: Sequence[Row]) -> list[Band]:
    """Bands of verdicts, worst first."""
    bands = {verdict.value: Band("", verdict=verdict.value) for verdict in SEVERITY}
    for line in lines:
        bands[line.standing.verdict].rows.append(line)
    return [band for band in bands.values() if band.rows]


@dataclass(frozen=True)
class Saying:
    """One part of the sentence at the top: so many consumers of one verdict."""

    verdict: str
    names: str

    @property
    def in_trouble(self) -> bool:
        """Whether somebody should look at them."""
        return self.verdict in TROUBLE


def sayings(standings: Sequence[Standing]) -> list[Saying]:
    """Who is not ok, worst first: names while they are few, a count when they are many."""
    said = []
    words = {
        "stalled": ("has stalled", "have stalled"),
        "stopped": ("has stopped", "have stopped"),
        "falling_behind": ("falls behind", "fall behind"),
        "rewound": ("was set back", "were set back"),
        "gone": ("is gone", "are gone"),
        "unknown": ("is unknown", "are unknown"),
        "catching_up": ("catches up", "catch up"),
    }
    for verdict, (one, many) in words.items():
        names = sorted({row.consumer for row in standings if row.verdict == verdict})
        if names:
            who = " and ".join(names) if len(names) <= 2 else f"{len(names)} consumers"
            said.append(Saying(verdict, f"{who} {one if len(names) == 1 else many}"))
    return said


def failing(snapshots: Iterable[Snapshot]) -> list[Snapshot]:
    """The brokers that do not answer."""
    return [snapshot for snapshot in snapshots if snapshot.error]
