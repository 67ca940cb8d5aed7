"""Stripe's webhook signatures, checked against the clock of this process.

https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

from stripe import WebhookSignature

from stripe_bridge.domain.errors.outcomes import SignatureInvalid
from stripe_bridge.ports.system import Clock

TOLERANCE = 300
"""Seconds. Only old timestamps are refused: a future one still needs the secret."""
# The header as Stripe writes it while an endpoint has only one secret.
_USUAL = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})(?:,v0=[0-9a-f]{64})?")


class StripeSignatures:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def check(self, payload: bytes, header: str | None, secrets: Iterable[str]) -> str:
        oldest = self._clock.now().timestamp() - TOLERANCE
        for secret in secrets:
            if _signs_as_usual(payload, header, secret, oldest) or _signs(payload, header, secret, oldest):
                return secret
        raise SignatureInvalid


def _signs_as_usual(payload: bytes, header: str | None, secret: str, oldest: float) -> bool:
    """Whether a header in the usual form is right. The SDK takes more than twice as long, going from bytes to text and back.

    False proves nothing: then the SDK is asked.
    """
    usual = _USUAL.fullmatch(header or "")
    if usual is None or not secret.strip():
        return False
    timestamp, signature = usual.groups()
    signed = hmac.digest(secret.encode(), timestamp.encode() + b"." + payload, "sha256").hex()
    return hmac.compare_digest(signed, signature) and int(timestamp) >= oldest


def _signs(payload: bytes, header: str | None, secret: str, oldest: float) -> bool:
    try:
        # An empty secret is refused by the SDK. The age is checked here, as the SDK would go by the host's clock.
        WebhookSignature.verify_header(payload, header, secret, None)
        return _timestamp(header or "") >= oldest
    except Exception:
        # Given garbage, the SDK raises UnicodeDecodeError, TypeError and others besides its own error.
        return False


def _timestamp(header: str) -> int:
    """As the SDK reads it: the first, if there are several."""
    return int(next(item.split("=")[1] for item in header.split(",") if item.startswith("t=")))
