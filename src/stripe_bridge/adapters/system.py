"""The machine's own clock, chance and names."""

from __future__ import annotations

import secrets
import time
import uuid
from datetime import UTC, datetime
from random import SystemRandom


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class SystemDice:
    def jitter(self) -> float:
        return SystemRandom().random()


class SystemIdentifiers:
    def reference(self) -> str:
        return str(uuid.uuid4())

    def secret(self) -> str:
        return secrets.token_urlsafe(32)
