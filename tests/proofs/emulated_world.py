"""A service on a real store, with real HTTP to an emulated Stripe; only time stands still."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.events import StripeEventGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.probe import StripeProbeGateway
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.adapters.system import SystemIdentifiers
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeRefund
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_emulator.server import EmulatorServer
from tests.builders import TENANT
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.nudges import FakeNudges
from tests.fakes.own_address import FakeOwnAddress
from tests.fakes.signer import FakeSigner
from tests.fakes.storage.inbox import FakeEventIngest
from tests.fakes.stripe.signatures import FakeSignatures
from tests.fakes.system import FixedRandomness, FrozenClock
from tests.fakes.vault import FakeVault
from tests.world import ENVIRONMENT, AnyWorld, Event

_BACK = f"{ENVIRONMENT['PUBLIC_URL']}/api/stripe/oauth/callback"


class EmulatedWorld(AnyWorld):
    """Several may share an emulator and a store: each is a tenant that connects its own account."""

    def __init__(
        self, emulator: EmulatorServer, clock: FrozenClock, store: Store, *, tenant: str = TENANT
    ) -> None:
        self.emulator, self.control = emulator, emulator.control
        access = StripeConfig(
            secret_key=emulator.settings.secret_key,
            client_id=emulator.settings.client_id,
            api_base=emulator.url,
            connect_base=emulator.url,
        )
        adapters = Adapters(
            store=store,
            event_ingest=FakeEventIngest(store),
            clock=clock,
            randomness=FixedRandomness(),
            identifiers=SystemIdentifiers(),
            vault=FakeVault(),
            signer=FakeSigner(),
            nudges=FakeNudges(),
            signatures=FakeSignatures(clock.now),
            snapshots=StripeSnapshots(),
            connect_gateway=StripeConnectGateway(access),
            invoice_gateway=StripeInvoiceGateway(access),
            receiver_gateway=StripeReceiverGateway(access),
            refund_gateway=StripeRefundGateway(access),
            event_gateway=StripeEventGateway(access),
            stripe_probe=StripeProbeGateway(access),
            own_address=FakeOwnAddress(),
            deliveries=FakeDeliveries(),
            metrics=PrometheusMetrics(),
        )
        environment = ENVIRONMENT | {"STRIPE_CLIENT_ID": emulator.settings.client_id}
        super().__init__(adapters, clock, environment, tenant=tenant)

    def consent(self, account_id: str | None = None, **snapshot: Any) -> str:
        url = self.adapters.connect_gateway.authorize_url(state="s", redirect_uri=_BACK)
        form = {"decision": "approve", **({"account": account_id} if account_id else {})}
        back = requests.post(url, data=form, allow_redirects=False, timeout=60)
        return parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]

    def pay(self, invoice: Invoice, amount: int | None = None) -> None:
        self.control.pay(str(invoice.stripe_invoice_id), amount=amount)

    def events(self) -> list[Event]:
        return self._objects("events")

    def at_stripe(self) -> list[StripeInvoice]:
        return [self.adapters.snapshots.invoice(each) for each in self._objects("invoices")]

    def customers_at_stripe(self) -> list[str]:
        return [each["id"] for each in self._objects("customers")]

    def refunds_at_stripe(self) -> list[StripeRefund]:
        return [self.adapters.snapshots.refund(each) for each in self._objects("refunds")]

    def mails(self) -> list[str]:
        return [each["data"]["object"]["id"] for each in self.events() if each["type"] == "invoice.sent"]

    def has_access(self) -> bool:
        (account,) = [each for each in self.control.objects("accounts") if each["id"] == self.account_id]
        return bool(account["connected"])

    def own_endpoints(self) -> set[str]:
        return {each["id"] for each in self._objects("webhook_endpoints")}

    def invoice_charge(self) -> str:
        """The latest charge in the account."""
        return str(self._objects("charges")[-1]["id"])

    def deliver_elsewhere(self, events: Sequence[Event]) -> None:
        """Deliver to another process, without what was put around this one."""
        here = self.bridge
        self.restart()
        for event in events:
            self.receive(event)
        while self.bridge.webhook_events.apply():
            pass
        self.bridge = here

    def allow_own_endpoints(self) -> None:
        """Nothing: the emulator was started with this option."""

    def _objects(self, kind: str) -> list[Event]:
        return [each for each in self.control.objects(kind) if each["account"] == self.account_id]


@contextmanager
def emulated() -> Iterator[tuple[EmulatorServer, FrozenClock]]:
    """An emulator and the clock that it uses. Its events are not posted but fetched."""
    clock = FrozenClock()
    with EmulatorServer(clock=lambda: clock.now().timestamp(), allow_account_endpoints=True) as emulator:
        emulator.control.misbehave({"deliveries": {"hold": True}})
        yield emulator, clock
