"""Who may come in: tokens, and requests that come again with their Idempotency-Key."""
