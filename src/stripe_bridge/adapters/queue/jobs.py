"""The names of the jobs that workers are nudged for. The worker declares the same names."""

DRAIN_INBOX = "drain_inbox"
SETTLE_INTENTS = "settle_intents"
