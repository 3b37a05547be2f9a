"""Sampling as Celery tasks, in a queue and process of their own."""

from celery import shared_task
from django.dispatch import Signal

from brokers.connect import connect, connect_all
from lag import sampler

EXPIRES_S = 10
sampled = Signal()  # after a round; the console renders /metrics then


@shared_task
def sample() -> None:
    """One round over all brokers; each in a task of its own where there are several."""
    brokers = [broker for broker in connect_all() if not broker.config.hidden]
    if len(brokers) == 1:
        sample_one(brokers[0].name)
        return
    for broker in brokers:
        sample_one.apply_async(args=(broker.name,), expires=EXPIRES_S)


@shared_task
def sample_one(name: str) -> None:
    """One round over one broker. Raises ConfigError when it is not configured any more."""
    if sampler.sample(connect(name)):
        sampled.send(sender=sampler.sample)
