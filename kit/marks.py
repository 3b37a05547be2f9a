"""The one table of states: icon, tone and word. Colour is state; it never stands alone."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """How a state is shown: a name in the icon sprite, a tone of console.css, a word."""

    icon: str
    tone: str  # bad, warn, run, ok, idle
    word: str


MARKS: dict[str, Mark] = {
    # a flow
    "running": Mark("loader-2", "run", "Running"),
    "complete": Mark("circle-check", "ok", "Complete"),
    "failed": Mark("circle-x", "bad", "Failed"),
    "mended": Mark("circle-check", "ok", "Mended"),
    "quiet": Mark("zzz", "idle", "Quiet"),
    # a delivery, an attempt
    "started": Mark("loader-2", "run", "Started"),
    "succeeded": Mark("circle-check", "ok", "Succeeded"),
    "retrying": Mark("repeat", "warn", "Retrying"),
    "dead_lettered": Mark("mail-x", "bad", "Dead letter"),
    "skipped": Mark("player-skip-forward", "idle", "Skipped"),
    "replayed": Mark("repeat", "run", "Replayed"),
    "waiting": Mark("clock-pause", "idle", "Waiting"),
    "expected": Mark("circle-dashed", "idle", "Expected"),
    "overdue": Mark("clock-exclamation", "warn", "Overdue"),
    "inferred": Mark("circle-dashed", "idle", "Inferred"),
    # a group, a letter
    "acknowledged": Mark("eye", "run", "Acknowledged"),
    "muted": Mark("eye-off", "idle", "Muted"),
    "resolved": Mark("circle-check", "ok", "Resolved"),
    "regressed": Mark("arrow-back-up", "warn", "Regressed"),
    "open": Mark("alert-circle", "bad", "Open"),
    "settled": Mark("circle-check", "ok", "Settled"),
    "dead": Mark("mail-x", "bad", "Waiting"),
    "replaying": Mark("repeat", "run", "Replaying"),
    "maybe_sent": Mark("help-circle", "warn", "Maybe sent"),
    "discarded": Mark("trash", "idle", "Discarded"),
    # a replay, its items
    "planned": Mark("clock-pause", "idle", "Plan"),
    "paused": Mark("player-pause", "warn", "Paused"),
    "done": Mark("circle-check", "ok", "Done"),
    "cancelled": Mark("ban", "idle", "Cancelled"),
    "ready": Mark("send", "idle", "Ready"),
    "superseded": Mark("replace", "idle", "Superseded"),
    "already_succeeded": Mark("circle-check", "ok", "Already succeeded"),
    "expired": Mark("hourglass", "warn", "Expired"),
    "replayed_often": Mark("shield-check", "bad", "Quarantined"),
    "no_target": Mark("help-circle", "warn", "No target"),
    "stays": Mark("circle-dashed", "idle", "Stays as it is"),
    "held": Mark("help-circle", "warn", "Waits for a word"),
    "changed": Mark("git-compare", "warn", "Changed since"),
    "invalid": Mark("alert-triangle", "warn", "Invalid"),
    "sending": Mark("loader-2", "run", "Sending"),
    "sent": Mark("clock-pause", "idle", "No receipt yet"),
    "failed_again": Mark("circle-x", "bad", "Failed again"),
    "handled": Mark("circle-check", "idle", "Handled, inferred"),
    "no_receipt": Mark("clock-exclamation", "warn", "No receipt"),
    "unsent": Mark("circle-dashed", "idle", "Not sent"),
    # a verdict
    "ok": Mark("circle-check", "ok", "OK"),
    "catching_up": Mark("trending-down", "run", "Catching up"),
    "falling_behind": Mark("trending-up", "warn", "Falling behind"),
    "stalled": Mark("hourglass", "bad", "Stalled"),
    "stopped": Mark("player-stop", "bad", "Stopped"),
    "rewound": Mark("arrow-back-up", "warn", "Rewound"),
    "gone": Mark("plug-connected-x", "idle", "Gone"),
    "unknown": Mark("help-circle", "idle", "Unknown"),
}


def mark(state: str) -> Mark:
    """The mark of a state; a state the table does not know is shown as idle, in its own word."""
    known = MARKS.get(state)
    return known or Mark("help-circle", "idle", state.replace("_", " ").capitalize())
