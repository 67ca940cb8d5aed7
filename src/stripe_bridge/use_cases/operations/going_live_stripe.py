"""What is checked at Stripe, and on the way from there, before going live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from stripe_bridge.domain.clock_skew import REMEDY, Skew
from stripe_bridge.domain.going_live import Check
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.own_address import AddressUnreachable, OwnAddress
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.stripe.probe import KeyProbe, StripeProbe
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.receivers.endpoint_status import EndpointStatuses

_FROM_HERE = "open it from another network: a firewall may block this host from its own address only"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSetup:
    """What the settings say of Stripe, and of the way from there."""

    public_url: str
    receiver_url: str
    redirect_uri: str
    livemode: bool
    has_extra_secrets: bool


class CheckAtStripe:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        probe: StripeProbe,
        own_address: OwnAddress,
        receivers: ReceiverGateway,
        statuses: EndpointStatuses,
        setup: PlatformSetup,
    ) -> None:
        self._store, self._clock, self._probe = store, clock, probe
        self._own_address, self._receivers, self._statuses = own_address, receivers, statuses
        self._setup = setup

    def __call__(self) -> Iterator[Check]:
        yield self._mode()
        yield self._https()
        yield self._reachable()
        yield self._webhooks_pass()
        try:
            key = self._probe.key(self._connected_account())
            endpoints = list(self._endpoints())
        except GatewayError as error:
            remedy = "check STRIPE_SECRET_KEY and the connection to Stripe, then try again"
            yield Check.fail("key", error.reason, remedy)
            return
        yield self._key(key)
        yield self._activated(key)
        yield self._clock_of_stripe(key)
        yield self._redirect_uri()
        yield from endpoints
        yield self._arrivals()
        version = self._receivers.api_version
        yield Check.ok(
            "API version", f"{version}, for calls and endpoints, whatever the accounts' own version is"
        )

    def _mode(self) -> Check:
        if self._setup.livemode:
            return Check.ok("mode", "live: STRIPE_SECRET_KEY moves real money")
        remedy = "to go live, set the live key and the live client id, then: stripe-bridge receivers register"
        return Check.warn("mode", "test: STRIPE_SECRET_KEY is a test key", remedy)

    def _https(self) -> Check:
        url = self._setup.public_url
        if urlsplit(url).scheme == "https":
            return Check.ok("PUBLIC_URL", f"{url} is https")
        make = Check.fail if self._setup.livemode else Check.warn
        remedy = "put a proxy with TLS in front of it, and set PUBLIC_URL to its address"
        return make("PUBLIC_URL", f"{url} is not https, which Stripe requires in live mode", remedy)

    def _reachable(self) -> Check:
        try:
            answer = self._own_address.get(f"{self._setup.public_url}/healthz")
        except AddressUnreachable as error:
            return Check.warn("reachable", error.reason, _FROM_HERE)
        if answer.status == HTTPStatus.OK and answer.body.get("status") == "ok":
            version = answer.body.get("version", "an earlier release")
            return Check.ok("reachable", f"this service answers there, version {version}")
        what = f"something else answers at PUBLIC_URL: {answer.status} to GET /healthz"
        return Check.fail("reachable", what, "correct PUBLIC_URL, or the proxy in front")

    def _webhooks_pass(self) -> Check:
        """Asked with the wrong method, which the service refuses in its own words, and nothing comes of it."""
        path = urlsplit(self._setup.receiver_url).path
        try:
            answer = self._own_address.get(self._setup.receiver_url)
        except AddressUnreachable as error:
            return Check.warn("webhook path", error.reason, _FROM_HERE)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED and "request_id" in answer.body:
            return Check.ok("webhook path", f"{path} leads to this service")
        what = f"{path} does not lead to this service: a GET got {answer.status} instead of 405"
        return Check.fail("webhook path", what, "let the proxy forward it without a login or an allow list")

    def _key(self, key: KeyProbe) -> Check:
        if key.refused:
            what = f"may not read {', '.join(key.refused)}: {next(iter(key.refused.values()))}"
            remedy = "give the restricted key these permissions in the Dashboard, or use a secret key"
            return Check.fail("key", what, remedy)
        return Check.ok(
            "key", "may read all that this service reads; whether it may write shows only on the first write"
        )

    def _activated(self, key: KeyProbe) -> Check:
        if key.may_charge:
            return Check.ok("platform", f"{key.account_id or 'the account'} may charge")
        remedy = "complete its activation: https://dashboard.stripe.com/account/onboarding"
        make = Check.fail if self._setup.livemode else Check.warn
        return make("platform", f"{key.account_id} is not activated for payments", remedy)

    def _clock_of_stripe(self, key: KeyProbe) -> Check:
        if key.time is None:
            return Check.warn(
                "Stripe's clock", "Stripe's answer has no time", "compare this host's clock yourself"
            )
        ahead = (self._clock.now() - key.time).total_seconds()
        if Skew.of(ahead) is Skew.NONE:
            return Check.ok("Stripe's clock", "agrees with ours")
        what = (
            f"ours is {abs(ahead):.0f} s {'fast' if ahead > 0 else 'slow'}; webhooks are refused beyond 300 s"
        )
        return Check.fail("Stripe's clock", what, REMEDY)

    def _redirect_uri(self) -> Check:
        uri = self._setup.redirect_uri
        try:
            refusal = self._probe.refusal_of_consent(uri)
        except GatewayError as error:
            return Check.warn("redirect URI", error.reason, "try again once Stripe answers")
        if refusal is None:
            return Check.ok("redirect URI", f"Stripe accepts {uri}")
        remedy = "add it at https://dashboard.stripe.com/settings/connect, and check STRIPE_CLIENT_ID"
        return Check.fail("redirect URI", f"{refusal} for {uri}", remedy)

    def _endpoints(self) -> Iterator[Check]:
        for status in self._statuses.of_platform(self._setup.receiver_url):
            subject = f"{status.kind.value} endpoint"
            if status.is_made_by_hand(has_extra_secrets=self._setup.has_extra_secrets):
                what = "created by hand (STRIPE_WEBHOOK_SECRETS), so that it cannot be checked from here"
                yield Check.warn(
                    subject, what, "check it in the Dashboard, or: stripe-bridge receivers register"
                )
            elif status.problems:
                yield Check.fail(subject, "; ".join(status.problems), "stripe-bridge receivers register")
            else:
                yield Check.ok(subject, f"{status.endpoint_id} is enabled, and sends the right events here")

    def _arrivals(self) -> Check:
        """What reconciling had to fetch is here as well, and proves the contrary."""
        with self._store.reading() as work:
            gaps = [work.reconciliations.gap(id_) for id_ in work.reconciliations.connected()]
            newest = list(work.inbox.page(None, EventFilter(), PageRequest(per_page=1)).items)
        if any(gap is not None and gap.is_proven for gap in gaps):
            what = "reconciling had to fetch events that no webhook delivered"
            remedy = (
                "check the endpoints' deliveries in the Dashboard, and the path from Stripe to PUBLIC_URL"
            )
            return Check.fail("webhooks", what, remedy)
        if not newest:
            return Check.warn(
                "webhooks",
                "none has arrived yet: nothing shows that Stripe reaches this service",
                "connect an account, send an invoice to yourself, void it, then check again",
            )
        return Check.ok("webhooks", f"the latest arrived at {newest[0].created_at:%Y-%m-%d %H:%M} UTC")

    def _connected_account(self) -> str | None:
        with self._store.reading() as work:
            connected = [work.integrations.find(id_) for id_ in work.reconciliations.connected()]
        return next((each.stripe_account_id for each in connected if each is not None), None)
