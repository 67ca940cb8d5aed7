"""Stripe's webhook signatures, checked by its SDK against the system's clock."""

from __future__ import annotations

from collections.abc import Iterable

from stripe import WebhookSignature

from stripe_bridge.domain.errors import SignatureInvalid

TOLERANCE = 300
"""Seconds. Only old timestamps are refused: a future one needs the secret all the same."""


class StripeSignatures:
    def check(self, payload: bytes, header: str | None, secrets: Iterable[str]) -> str:
        for secret in secrets:
            if _signs(payload, header, secret):
                return secret
        raise SignatureInvalid


def _signs(payload: bytes, header: str | None, secret: str) -> bool:
    try:
        # An empty secret is refused by the SDK.
        WebhookSignature.verify_header(payload, header, secret, TOLERANCE)
    except Exception:
        # Beside its own error the SDK lets UnicodeDecodeError, TypeError and others out on garbage.
        return False
    return True
