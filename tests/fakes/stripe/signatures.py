import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from stripe_bridge.domain.errors.outcomes import SignatureInvalid

_AGE = timedelta(minutes=5)


def sign(payload: bytes, secret: str, at: datetime) -> str:
    """The `Stripe-Signature` header that Stripe would send."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(payload, secret, seconds)}"


class FakeSignatures:
    """Stripe's scheme, on the test's own clock."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now

    def check(self, payload: bytes, header: str | None, secrets: Iterable[str]) -> str:
        timestamp = re.search(r"\bt=(\d{1,12})\b", header or "", re.ASCII)
        signatures = re.findall(r"\bv1=([0-9a-f]{64})\b", header or "")
        if timestamp is None or self._now() - datetime.fromtimestamp(int(timestamp[1]), UTC) > _AGE:
            raise SignatureInvalid
        for secret in secrets:
            if secret.strip() and _digest(payload, secret, int(timestamp[1])) in signatures:
                return secret
        raise SignatureInvalid


def _digest(payload: bytes, secret: str, seconds: int) -> str:
    return hmac.new(secret.encode(), b"%d." % seconds + payload, hashlib.sha256).hexdigest()
