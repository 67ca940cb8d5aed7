"""Ids and secrets that look like Stripe's."""

import secrets


def new_id(prefix: str) -> str:
    """A fresh id such as `in_…`. Not from the global random generator, which test tools seed."""
    return f"{prefix}_{secrets.token_hex(12)}"


def redacted_key(key: str) -> str:
    """A key as shown in error messages: its beginning, its last four characters, and a star for each one between."""
    return f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
