from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from stripe_bridge.domain.stripe_objects import WebhookEndpoint
from stripe_bridge.ports.stripe.errors import GatewayRefused
from tests.fakes.stripe.fake_stripe import Call, FakeStripe, missing_unless

Result = TypeVar("Result")
_MOST = 16


class FakeReceiverGateway:
    api_version = "2026-10-28.endive"

    def __init__(self, stripe: FakeStripe) -> None:
        self.stripe = stripe

    def create_endpoint(
        self,
        *,
        account_id: str | None,
        url: str,
        connect: bool,
        events: frozenset[str],
        metadata: Mapping[str, str],
        key: str,
    ) -> WebhookEndpoint:
        def effect(endpoints: dict[str, WebhookEndpoint]) -> WebhookEndpoint:
            if len(endpoints) >= _MOST:
                raise GatewayRefused("You have reached the maximum number of webhook endpoints.")
            new = WebhookEndpoint(
                id=self.stripe.new_id("we"),
                url=url,
                enabled=True,
                livemode=self.stripe.livemode,
                api_version=self.api_version,
                enabled_events=events,
                metadata=dict(metadata),
            )
            endpoints[new.id] = new
            return replace(new, secret=self.stripe.new_id("whsec"))

        given: dict[str, Any] = {"url": url, "connect": connect, "events": events, "metadata": dict(metadata)}
        return self._serve("create_endpoint", account_id, effect, key, **given)

    def endpoints(self, account_id: str | None) -> Sequence[WebhookEndpoint]:
        return self._serve("endpoints", account_id, lambda endpoints: list(endpoints.values()))

    def repair_endpoint(
        self, *, account_id: str | None, endpoint_id: str, url: str, events: frozenset[str]
    ) -> WebhookEndpoint:
        def effect(endpoints: dict[str, WebhookEndpoint]) -> WebhookEndpoint:
            broken = missing_unless(endpoints.get(endpoint_id), endpoint_id, "webhook_endpoint")
            endpoints[endpoint_id] = replace(broken, url=url, enabled_events=events, enabled=True)
            return endpoints[endpoint_id]

        given: dict[str, Any] = {"endpoint_id": endpoint_id, "url": url, "events": events}
        return self._serve("repair_endpoint", account_id, effect, **given)

    def delete_endpoint(self, *, account_id: str | None, endpoint_id: str) -> None:
        def effect(endpoints: dict[str, WebhookEndpoint]) -> None:
            endpoints.pop(endpoint_id, None)

        self._serve("delete_endpoint", account_id, effect, endpoint_id=endpoint_id)

    def disable(self, account_id: str | None, endpoint_id: str) -> None:
        """What Stripe does to an endpoint that fails for days."""
        endpoints = self.stripe.endpoints[account_id]
        endpoints[endpoint_id] = replace(endpoints[endpoint_id], enabled=False)

    def _serve(
        self,
        method: str,
        account_id: str | None,
        effect: Callable[[dict[str, WebhookEndpoint]], Result],
        key: str | None = None,
        **arguments: Any,
    ) -> Result:
        def admitted() -> Result:
            if account_id is not None:
                self.stripe.account(account_id)
                if not self.stripe.allows_account_endpoints:
                    raise GatewayRefused(
                        "Connect applications see no webhook endpoints of connected accounts."
                    )
            return effect(self.stripe.endpoints[account_id])

        call = Call(method=method, account_id=account_id, key=key, arguments=arguments)
        return self.stripe.serve(call, admitted)
