"""What died and what was done about it. States change only through dlq/states.py."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from dlq.words import Fate, ItemState, LetterState, ReplayState, Stage, choices
from kit import clock


class Group(models.Model):
    """Dead letters with one fingerprint: consumer, error type, top frame, normalised message."""

    fingerprint = models.CharField(max_length=64, unique=True)  # "1:" + hash; versioned
    broker = models.CharField(max_length=64)
    consumer = models.CharField(max_length=255)
    error_type = models.CharField(max_length=255, blank=True)
    frame = models.CharField(max_length=255, blank=True)  # `order_amount()`
    message = models.CharField(max_length=500, blank=True)  # normalised
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    letters = models.IntegerField(default=0)  # ever
    open_letters = models.IntegerField(default=0)  # dead, in replay or maybe sent
    open_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    currency = models.CharField(max_length=3, blank=True)  # of open_amount; "" when unknown
    first_release = models.CharField(max_length=80, blank=True)
    # what people say of it (dlq/lifecycle.py)
    stage = models.CharField(max_length=16, choices=choices(Stage), default=Stage.OPEN.value)
    stage_at = models.DateTimeField(null=True)
    stage_by = models.CharField(max_length=150, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    muted_until = models.DateTimeField(null=True)
    muted_volume = models.IntegerField(null=True)  # `letters` at which it is heard again
    resolved_release = models.CharField(max_length=80, blank=True)  # "": now, whatever release
    old_releases = models.JSONField(default=list)  # seen when it was resolved: no regression

    class Meta:
        indexes: ClassVar = [
            # the list of groups with open letters, last death first
            models.Index(
                fields=["-last_at", "-id"],
                name="group_open",
                condition=models.Q(open_letters__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} {self.error_type}: {self.message}"


class Letter(models.Model):
    """One message given up by one consumer. The original here is never changed (promise 3)."""

    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="members")
    state = models.CharField(
        max_length=16, choices=choices(LetterState), default=LetterState.DEAD.value
    )
    version = models.IntegerField(default=1)  # +1 with every change: a frozen plan compares it
    # hash of broker, topic, consumer and event identity: two taps cannot make two letters of one
    identity_key = models.CharField(max_length=255, unique=True)
    broker = models.CharField(max_length=64)
    consumer = models.CharField(max_length=255)
    dead_stream = models.CharField(max_length=255)  # the newest death's place
    dead_position = models.CharField(max_length=64)
    topic = models.CharField(max_length=255, blank=True)
    stream = models.CharField(max_length=255, blank=True)  # where it was delivered from
    position = models.CharField(max_length=64, blank=True)
    event_identity = models.BinaryField(max_length=16)  # tracing's Event, maybe not seen yet
    source = models.CharField(max_length=1024, blank=True)
    event_id = models.CharField(max_length=1024, blank=True)
    type = models.CharField(max_length=255, blank=True)
    flow_id = models.CharField(max_length=255, blank=True)
    lane = models.CharField(max_length=255, blank=True)  # its partition key; "" = a lane of its own
    label = models.CharField(max_length=255, blank=True)  # its first key, `order:4711`
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, blank=True)
    content_type = models.CharField(max_length=255, blank=True)
    body_field = models.CharField(max_length=255, default="data")  # where the payload lay
    headers = models.JSONField(default=dict)  # original headers less the framework's own
    dialect = models.CharField(max_length=40, blank=True)  # whose marks; "" when nobody's
    marks = models.JSONField(default=list)  # names of the framework's own: never sent again
    evidence = models.CharField(max_length=200, blank=True)  # the mark that says it is dead
    payload = models.BinaryField(null=True)
    payload_size = models.IntegerField(default=0)
    has_json = models.BooleanField(default=False)  # JSON that databases read too: it is searched
    error_type = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)
    error_stack = models.TextField(blank=True)
    reason = models.CharField(max_length=80, blank=True)  # how it died: attempts, permanent, ...
    attempts = models.IntegerField(null=True)
    process = models.CharField(max_length=255, blank=True)
    release = models.CharField(max_length=80, blank=True)
    deaths = models.IntegerField(default=1)
    first_died_at = models.DateTimeField()
    died_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes: ClassVar = [
            # the letters of a group by state, newest death first
            models.Index(fields=["group", "state", "-died_at", "-id"], name="letter_group"),
            # all letters, newest death first
            models.Index(fields=["-died_at", "-id"], name="letter_list"),
            # the open ones among them
            models.Index(
                fields=["-died_at", "-id"],
                name="letter_open",
                condition=models.Q(settled_at__isnull=True),
            ),
            # the letters of a cascade
            models.Index(fields=["flow_id"], name="letter_flow"),
            # a further death of the same delivery
            models.Index(fields=["event_identity", "consumer"], name="letter_delivery"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} gave up {self.label or self.event_id or self.dead_position}"


class Death(models.Model):
    """One copy on a dead-letter queue; several copies of one death share `number`."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="copies")
    number = models.IntegerField(default=1)  # which death of the letter
    broker = models.CharField(max_length=64)
    stream = models.CharField(max_length=255)
    position = models.CharField(max_length=64)
    original_stream = models.CharField(max_length=255, blank=True)
    original_position = models.CharField(max_length=64, blank=True)
    replay_attempt = models.CharField(max_length=80, blank=True)  # it died in our replay
    error_type = models.CharField(max_length=255, blank=True)
    error_message = models.TextField(blank=True)
    attempts = models.IntegerField(null=True)
    died_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)  # taken off the queue by a replay or discard

    class Meta:
        constraints: ClassVar = [
            # a copy is taken in once
            models.UniqueConstraint(fields=["broker", "stream", "position"], name="death_position")
        ]
        indexes: ClassVar = [
            # the same original position again is another copy of one death
            models.Index(
                fields=["broker", "original_stream", "original_position"], name="death_original"
            ),
            # deaths of the last hour: trends
            models.Index(fields=["died_at"], name="death_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.position}"


class Revision(models.Model):
    """An edit of a dead letter, kept as patches (RFC 6902) or whole text on the original."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="revisions")
    number = models.IntegerField()
    payload_patch = models.JSONField(null=True)  # JSON payloads
    payload = models.BinaryField(null=True)  # the result, byte for byte what a replay sends
    headers_patch = models.JSONField(default=list)
    reason = models.TextField()
    actor = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["letter", "number"], name="revision_number")
        ]

    def __str__(self) -> str:
        return f"revision {self.number} of letter {self.letter_id}"


class Replay(models.Model):
    """A batch: frozen members, a plan, and an item for each. A row, not a task."""

    state = models.CharField(
        max_length=16, choices=choices(ReplayState), default=ReplayState.PLANNED.value
    )
    title = models.CharField(max_length=300)
    consumer = models.CharField(max_length=255)  # "" when members failed in several
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.SET_NULL)
    filter = models.JSONField(default=dict)  # what chose the members, as in the URL
    reason = models.TextField(blank=True)
    plan = models.JSONField(default=dict)  # receivers, target a class, counts at the freeze
    choices = models.JSONField(default=dict)  # class -> send, skip, ask; else dlq.choices.DEFAULT
    accept_others = models.BooleanField(default=False)  # promise 6: other consumers see it too
    receipt_wait_s = models.IntegerField(default=60)
    rate_per_s = models.IntegerField(default=0)  # 0 = as fast as it goes
    ramp = models.JSONField(default=list)  # letters of each gate before the rest; [] = all at once
    most_failed = models.IntegerField(default=5)  # per cent of a gate: beyond, it pauses itself
    gate = models.IntegerField(default=0)  # the one that is open, by its place in plan["gates"]
    gate_progress = models.IntegerField(default=-1)  # sends and outcomes in it, at the last turn
    gate_moved_at = models.DateTimeField(null=True)  # when that changed last
    actor = models.CharField(max_length=150)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    members_hash = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # the pump's lease: a batch is worked on by one worker at a time
    next_step_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            # the pump: batches that are due
            models.Index(
                fields=["next_step_at"],
                name="replay_due",
                condition=models.Q(next_step_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Item(models.Model):
    """One member of a replay, from the freeze to its outcome."""

    replay = models.ForeignKey(
        Replay, on_delete=models.CASCADE, related_name="items", db_index=False
    )  # the constraint's index begins with it
    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, related_name="items")
    state = models.CharField(
        max_length=16, choices=choices(ItemState), default=ItemState.WAITING.value
    )
    letter_version = models.IntegerField()  # at the freeze
    revision = models.ForeignKey(Revision, null=True, blank=True, on_delete=models.PROTECT)
    lane = models.CharField(max_length=255)  # partition key, or `letter:<id>`
    original_order = models.CharField(max_length=80)  # sorts a lane by original position
    fate = models.CharField(max_length=20, choices=choices(Fate), default=Fate.READY.value)
    why = models.CharField(max_length=300, blank=True)  # what that rests on, in words
    target = models.CharField(max_length=16, blank=True)  # repend, retry, mark, topic
    attempt = models.CharField(max_length=80, blank=True)  # our replay stamp, unique a send
    sent_at = models.DateTimeField(null=True)
    sent_stream = models.CharField(max_length=255, blank=True)
    sent_position = models.CharField(max_length=64, blank=True)
    passed_at = models.DateTimeField(null=True)  # the cursor passed it: the receipt clock starts
    settled_at = models.DateTimeField(null=True)
    evidence = models.CharField(max_length=500, blank=True)  # what the outcome rests on
    lease_until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["replay", "letter"], name="item_letter"),
        ]
        indexes: ClassVar = [
            # the next of a lane, and the account of a batch
            models.Index(fields=["replay", "state", "lane", "original_order"], name="item_next"),
            # which item an outcome belongs to
            models.Index(fields=["attempt"], name="item_attempt", condition=~models.Q(attempt="")),
            # a death at a position that one of our sends returned
            models.Index(
                fields=["sent_stream", "sent_position"],
                name="item_position",
                condition=~models.Q(sent_position=""),
            ),
            # verify: everything in flight, and what late evidence may still settle; not partial,
            # because SQLite cannot tell that `state = 'sent'` is within a list of states
            models.Index(fields=["state", "id"], name="item_in_flight"),
        ]

    def __str__(self) -> str:
        return f"{self.replay_id}/{self.letter_id} {self.state}"
