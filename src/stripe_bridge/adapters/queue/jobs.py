"""The names by which workers know their jobs. The worker has the same: what is sent must be what is declared."""

DRAIN_INBOX = "drain_inbox"
SETTLE_INTENTS = "settle_intents"
