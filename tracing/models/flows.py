"""What was learned of what was seen: flows and how to find them, the ways events go."""

from typing import ClassVar

from django.db import models

from kit import clock

JOINED = "joined"  # the status of a flow whose ID turned out to be another name of one


class FlowManager(models.Manager["Flow"]):
    """Flows as people know them: one that is joined to another is not one of its own."""

    def get_queryset(self) -> "models.QuerySet[Flow]":
        """All but those that are joined."""
        return super().get_queryset().exclude(status=JOINED)


class Flow(models.Model):
    """The summary of one flow; recomputed by the summariser when dirty, never incremented.

    Of a joined flow only the row is left, so that writers can mark it dirty.
    """

    flow_id = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=16, default="running")
    reason = models.CharField(max_length=300, blank=True)
    root_type = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255, blank=True)  # its first key, `order:4711`
    events = models.IntegerField(default=0)
    deliveries = models.IntegerField(default=0)
    open_letters = models.IntegerField(default=0)
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    started_at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    dirty_since = models.DateTimeField(null=True, default=clock.now)
    recheck_at = models.DateTimeField(null=True)  # when time alone may change the status
    # set by retention: what happened up to then may be gone
    truncated_before = models.DateTimeField(null=True)
    cut_status = models.CharField(
        max_length=16, blank=True, default="", db_default=""
    )  # of truncation.LASTING
    cut_events = models.IntegerField(default=0, db_default=0)  # of `events`, those that are gone
    pinned_at = models.DateTimeField(null=True)  # retention leaves it whole
    pinned_by = models.CharField(max_length=150, blank=True, default="", db_default="")

    objects = FlowManager()
    every: ClassVar["models.Manager[Flow]"] = models.Manager()  # with those that are joined

    class Meta:
        indexes: ClassVar = [
            # the list, newest first, and the next page of it
            models.Index(fields=["-started_at", "-id"], name="flow_list"),
            # the list by status
            models.Index(fields=["status", "-started_at", "-id"], name="flow_status"),
            # orders finished a minute (overview)
            models.Index(
                fields=["ended_at"], name="flow_ended", condition=models.Q(ended_at__isnull=False)
            ),
            # the summariser's work, oldest first
            models.Index(
                fields=["dirty_since"],
                name="flow_dirty",
                condition=models.Q(dirty_since__isnull=False),
            ),
            models.Index(
                fields=["recheck_at"],
                name="flow_recheck",
                condition=models.Q(recheck_at__isnull=False),
            ),
            # what is pinned, newest first
            models.Index(
                fields=["-pinned_at"],
                name="flow_pinned",
                condition=models.Q(pinned_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.flow_id

    @property
    def took_s(self) -> float | None:
        """Seconds from its start to its end; None while it has not ended."""
        if self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class FlowAlias(models.Model):
    """Another name of a flow, learned later (tracing/ties.py): its trace, an event of it."""

    alias = models.CharField(max_length=255, unique=True)
    flow_id = models.CharField(max_length=255)
    evidence = models.CharField(max_length=16)
    learned_at = models.DateTimeField(default=clock.now)

    class Meta:
        # the names of a flow
        indexes: ClassVar = [models.Index(fields=["flow_id", "alias"], name="flowalias_flow")]

    def __str__(self) -> str:
        return f"{self.alias} is {self.flow_id}"


class FlowTie(models.Model):
    """What a flow has, or says of something by its name; aliases are worked out of these."""

    class Standing(models.IntegerChoices):
        """Whether aliases were worked out with it."""

        SETTLED = 0
        NEW = 1
        GONE = 2  # it is told no more: deleted when settled

    name = models.CharField(max_length=255)
    relation = models.CharField(max_length=8)
    flow_id = models.CharField(max_length=255)
    evidence = models.CharField(max_length=16)
    standing = models.SmallIntegerField(choices=Standing, default=Standing.NEW)

    class Meta:
        constraints: ClassVar = [
            # who has, or claims, what goes by a name
            models.UniqueConstraint(
                fields=["relation", "name", "flow_id", "evidence"], name="flowtie_name"
            )
        ]
        indexes: ClassVar = [
            # what a flow has and says
            models.Index(fields=["flow_id", "relation", "name"], name="flowtie_flow"),
            # what is to be settled, oldest first
            models.Index(fields=["id"], name="flowtie_open", condition=~models.Q(standing=0)),
        ]

    def __str__(self) -> str:
        return f"{self.flow_id} {self.relation} {self.name}"


class FlowKey(models.Model):
    """A business identifier seen in a flow: `order:4711`."""

    key = models.CharField(max_length=255)
    flow_id = models.CharField(max_length=255)
    borrowed = models.BooleanField(default=False, db_default=False)  # of one joined to it

    class Meta:
        constraints: ClassVar = [
            # search by key
            models.UniqueConstraint(fields=["key", "flow_id"], name="flowkey_key")
        ]
        indexes: ClassVar = [
            # the keys of a flow
            models.Index(fields=["flow_id"], name="flowkey_flow"),
            # the page of a key, newest flow first
            models.Index(fields=["key", "-id"], name="flowkey_page"),
        ]

    def __str__(self) -> str:
        return self.key


class Route(models.Model):
    """A way that events go (tracing/routes.py): published under a source, or handled."""

    key = models.BinaryField(max_length=16, unique=True)  # hash of what follows, but for the time
    broker = models.CharField(max_length=64, blank=True)
    topic = models.CharField(max_length=255, blank=True)
    type = models.CharField(max_length=255)
    source = models.CharField(max_length=255, blank=True)  # empty: it was handled
    consumer = models.CharField(max_length=255, blank=True)  # who handled it, or published it
    last_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            # the ways gone lately, and which to forget
            models.Index(fields=["-last_at", "-id"], name="route_last"),
        ]

    def __str__(self) -> str:
        return f"{self.type} on {self.topic}"
