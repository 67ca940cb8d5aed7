"""Who may call the API: bearer tokens, and the idempotency keys of their requests."""
