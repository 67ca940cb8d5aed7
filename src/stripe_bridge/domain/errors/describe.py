"""Describing an error to operators, who read it in `last_error`."""

from __future__ import annotations

import traceback

from stripe_bridge.domain.errors.base import BridgeError

MAX_LENGTH = 500


def describe_error(error: Exception) -> str:
    """What went wrong, and where. Messages of databases and libraries stay in the logs."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown place"
    reason = getattr(error, "reason", error.message) if isinstance(error, BridgeError) else ""
    return f"{type(error).__name__} at {place}{': ' if reason else ''}{reason}"[:MAX_LENGTH]
