"""The marks of Karafka's dead-letter queue (karafka.io); before 2.5 the prefix was `original_`."""

from brokers.dialects.named import Named


def _named(name: str, prefix: str) -> Named:
    return Named(
        name=name,
        certain=(f"{prefix}consumer_group",),
        names=tuple(prefix + what for what in ("topic", "partition", "offset", "attempts")),
        consumer=f"{prefix}consumer_group",
        topic=f"{prefix}topic",
        partition=f"{prefix}partition",
        position=f"{prefix}offset",
        attempts=f"{prefix}attempts",
    )


DIALECTS = (_named("karafka", "source_"), _named("karafka-before-2.5", "original_"))
