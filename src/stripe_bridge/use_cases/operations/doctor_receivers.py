"""Examining receivers: the endpoints that Stripe sends events to, the platform's and the accounts' own."""

from __future__ import annotations

from collections.abc import Iterator

from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.domain.integration import Integration
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.use_cases.receivers.check import CheckReceivers


class DiagnoseReceivers:
    """What is wrong with the platform's endpoints, and with those in an integration's account."""

    def __init__(self, check: CheckReceivers, *, has_extra_secrets: bool) -> None:
        self._check = check
        self._has_extra_secrets = has_extra_secrets

    def of_platform(self) -> Iterator[Finding]:
        try:
            checked = self._check()
        except GatewayError as error:
            yield Finding.error(
                "stripe", error.reason, "check STRIPE_SECRET_KEY and the connection to Stripe, then try again"
            )
            return
        # With endpoints made by hand, there need not be any others.
        by_hand = [each for each in checked if each.endpoint_id is None and self._has_extra_secrets]
        if by_hand:
            what = "endpoints created by hand (STRIPE_WEBHOOK_SECRETS) cannot be examined from here"
            yield Finding.note(
                "receivers", what, "check them in Stripe's Dashboard, or: flask receivers register"
            )
        for receiver in checked:
            if receiver.problems and receiver not in by_hand:
                yield Finding.error(
                    f"{receiver.kind.value} receiver {receiver.endpoint_id or ''}".strip(),
                    "; ".join(receiver.problems),
                    "flask receivers register",
                    fix=Fix.REGISTER_RECEIVERS,
                )

    def of_integration(self, integration: Integration) -> Iterator[Finding]:
        """That Stripe is unreachable, or the account no longer lets us in, is reported elsewhere."""
        if integration.stripe_account_id is None:
            return
        try:
            checked = self._check.of_integration(integration.id, integration.stripe_account_id)
        except AccessRevoked:
            return
        except GatewayError as error:
            what = f"its own receiver could not be checked: {error.reason}"
            yield Finding.warning(f"integration {integration.id}", what, "try again later")
            return
        for receiver in checked:
            if receiver.problems:
                yield Finding.error(
                    f"integration {integration.id}, its own receiver {receiver.endpoint_id}",
                    "; ".join(receiver.problems),
                    "flask doctor --fix",
                    fix=Fix.REPAIR_RECEIVERS,
                    integration_id=integration.id,
                )
