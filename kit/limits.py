"""Limits of the product, each with what happens past it; Django's settings are elsewhere."""

KIB = 1024
MIB = 1024 * KIB

EVENT_BYTES = 1 * MIB  # one event in HTTP: 413; a body from a broker is kept up to here, and marked
BATCH_BYTES = 4 * MIB  # one HTTP body: 413
BATCH_EVENTS = 1_000  # events in one batch: 413
OTLP_BYTES = 20 * MIB  # one OTLP body: 413
NESTING = 64  # depth of JSON: 400
ATTRIBUTES = 64  # attributes of one envelope: 400
ATTRIBUTE_BYTES = 8 * KIB  # one attribute's value: 400
KEYS_PER_EVENT = 100  # business keys of one event: the first ones are kept
FORM_BYTES = 2 * MIB  # a revision's payload: 413
PAGE_SIZE = 50  # rows a page, `limit=` up to PAGE_MAX
PAGE_MAX = 500
COUNT_CAP = 10_000  # counts beyond are estimated and shown as "10,000+"
REPLAY_MEMBERS = 100_000  # members of one replay: refused with the number
TRANSACTION_ROWS = 1_000  # rows in one write transaction on SQLite (DESIGN, hard parts)
