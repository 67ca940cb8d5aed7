"""A whole service in memory: the real bridge, with a store, a Stripe, a clock and a queue that tests control."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

from stripe_bridge.adapters.metrics import PrometheusMetrics
from stripe_bridge.adapters.stripe_gateway.snapshots import StripeSnapshots
from stripe_bridge.bootstrap.use_cases import build_bridge
from stripe_bridge.config import Settings
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.stripe_objects import StripeInvoice, StripeInvoiceStatus, StripeRefund
from stripe_bridge.domain.webhook_event import WebhookEvent
from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.ports.storage.inbox import EventFilter
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.use_cases.integrations.connect import (
    AuthorizationOutcome,
    AuthorizationStatus,
    CallbackCommand,
)
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand, SentInvoice
from stripe_bridge.use_cases.refunds.issue import IssueRefundCommand
from stripe_bridge.use_cases.sales_orders.put import PutSalesOrderCommand, StoredSalesOrder
from stripe_bridge.use_cases.sales_orders.show import SalesOrderView
from stripe_bridge.use_cases.webhook_events.receive import ReceiveWebhookCommand
from tests.builders import TENANT, a_sales_order, an_event_payload
from tests.fakes.deliveries import FakeDeliveries
from tests.fakes.nudges import FakeNudges
from tests.fakes.own_address import FakeOwnAddress
from tests.fakes.signer import FakeSigner
from tests.fakes.storage.inbox import FakeEventIngest
from tests.fakes.storage.unit_of_work import FakeStore
from tests.fakes.stripe import payloads
from tests.fakes.stripe.connect import FakeConnectGateway
from tests.fakes.stripe.events import FakeEventGateway
from tests.fakes.stripe.fake_stripe import FakeStripe
from tests.fakes.stripe.invoices import FakeInvoiceGateway
from tests.fakes.stripe.probe import FakeStripeProbe
from tests.fakes.stripe.receivers import FakeReceiverGateway
from tests.fakes.stripe.refunds import FakeRefundGateway
from tests.fakes.stripe.signatures import FakeSignatures, sign
from tests.fakes.system import FixedRandomness, FrozenClock, SequentialIdentifiers
from tests.fakes.vault import FakeVault

CLIENT_ID = "ca_fake"
SECRET = "whsec_platform"
ENVIRONMENT = {
    "PUBLIC_URL": "https://bridge.test",
    "STRIPE_SECRET_KEY": "sk_test_1",
    "STRIPE_CLIENT_ID": CLIENT_ID,
    "ENCRYPTION_KEYS": "A" * 43 + "=",
    "STRIPE_WEBHOOK_SECRETS": SECRET,
}
# Longer than any lease, and than the time after which a missing effect counts as absent.
A_WHILE = timedelta(seconds=61)
USER = 7

Around = Callable[[Adapters], Adapters]
Event = dict[str, Any]


def bare(adapters: Adapters) -> Adapters:
    return adapters


class AnyWorld(ABC):
    """What the ERP, the merchant's browser and the workers do here, on any store and any Stripe.

    `connect` sets `integration_id` and `account_id`, and `sent` sets `invoice_id`, to the latest ones.
    """

    bridge: Any
    account_id: str
    integration_id: int
    invoice_id: int

    def __init__(
        self,
        adapters: Adapters,
        clock: FrozenClock,
        environment: Mapping[str, str],
        *,
        tenant: str = TENANT,
    ) -> None:
        self.adapters, self.clock, self.tenant = adapters, clock, tenant
        self.store: Store = adapters.store
        self.settings = Settings.from_env(environment)
        self.restart()

    def restart(self, around: Around = bare) -> None:
        """Start a new process on the same store; `around` wraps its adapters."""
        self.bridge = build_bridge(self.settings, around(self.adapters))

    # Stripe's side: what others do there, and what it then shows.

    @abstractmethod
    def consent(self, account_id: str | None = None, **snapshot: Any) -> str:
        """The merchant approves at Stripe; returns the OAuth code."""

    @abstractmethod
    def pay(self, invoice: Invoice, amount: int | None = None) -> None: ...

    @abstractmethod
    def events(self) -> list[Event]:
        """The connected account's events so far."""

    @abstractmethod
    def at_stripe(self) -> list[StripeInvoice]:
        """The connected account's invoices."""

    @abstractmethod
    def customers_at_stripe(self) -> list[str]: ...

    @abstractmethod
    def refunds_at_stripe(self) -> list[StripeRefund]: ...

    @abstractmethod
    def mails(self) -> list[str]:
        """The id of the invoice in each email that Stripe has sent."""

    @abstractmethod
    def has_access(self) -> bool: ...

    @abstractmethod
    def own_endpoints(self) -> set[str]:
        """The ids of the connected account's own webhook endpoints."""

    @abstractmethod
    def allow_own_endpoints(self) -> None: ...

    # Integrations.

    def add_integration(self, tenant: str | None = None, name: str = "Main shop") -> int:
        added: int = self.bridge.integrations.create(tenant or self.tenant, name).integration.id
        return added

    def authorize(self, integration_id: int, tenant: str | None = None, *, confirm: bool = False) -> str:
        """Start an authorization; returns the `state` that the merchant takes to Stripe."""
        url: str = self.bridge.integrations.authorize(
            tenant or self.tenant, integration_id, needs_confirmation=confirm
        )
        return parse_qs(urlsplit(url).query)["state"][0]

    def come_back(self, **redirect: str | None) -> AuthorizationOutcome:
        outcome: AuthorizationOutcome = self.bridge.integrations.complete_authorization(
            CallbackCommand(**redirect)
        )
        return outcome

    def connect(
        self,
        account_id: str | None = None,
        *,
        tenant: str | None = None,
        into: int | None = None,
        **snapshot: Any,
    ) -> int:
        """Connect an integration, a new one unless `into` names one."""
        integration_id = self.add_integration(tenant) if into is None else into
        state = self.authorize(integration_id, tenant)
        outcome = self.come_back(state=state, code=self.consent(account_id, **snapshot))
        assert outcome.status is AuthorizationStatus.CONNECTED, outcome
        self.integration_id = integration_id
        self.account_id = self.bridge.integrations.show(
            tenant or self.tenant, integration_id
        ).integration.account_id
        return integration_id

    # Orders and invoices.

    def put_order(
        self, order_id: int = 501, *, tenant: str | None = None, **changes: Any
    ) -> StoredSalesOrder:
        order = a_sales_order(id=order_id, number=f"SO-{order_id}", **changes)
        command = PutSalesOrderCommand(
            tenant_id=tenant or self.tenant,
            sales_order_id=order_id,
            number=order.number,
            currency=order.currency,
            total=order.total,
            paid_elsewhere=order.paid_elsewhere,
            customer=order.customer,
            lines=order.lines,
            updated_at=order.source_updated_at,
        )
        stored: StoredSalesOrder = self.bridge.sales_orders.put(command)
        return stored

    def order(self, order_id: int = 501, tenant: str | None = None) -> SalesOrderView:
        view: SalesOrderView = self.bridge.sales_orders.show(tenant or self.tenant, order_id)
        return view

    def send(
        self, order_id: int = 501, *, into: int | None = None, tenant: str | None = None, **more: Any
    ) -> SentInvoice:
        sent: SentInvoice = self.bridge.invoices.send(
            SendInvoiceCommand(
                tenant_id=tenant or self.tenant,
                user_id=USER,
                integration_id=self.integration_id if into is None else into,
                sales_order_id=order_id,
                **more,
            )
        )
        return sent

    def sent(self, order_id: int = 501, **changes: Any) -> Invoice:
        """An open invoice for a new order."""
        self.put_order(order_id, **changes)
        invoice = self.send(order_id).view.invoice
        self.invoice_id = invoice.id
        return invoice

    def paid(self, order_id: int = 501, **changes: Any) -> Invoice:
        """A new order's invoice that is paid, which is known here."""
        invoice = self.sent(order_id, **changes)
        self.pay(invoice)
        self.deliver()
        return self.invoice(invoice.id)

    def invoice(self, invoice_id: int) -> Invoice:
        """As stored, whatever its status."""
        with self.store.reading() as work:
            found = work.invoices.find(invoice_id)
        assert found is not None
        return found

    def payments(self, invoice_id: int) -> Sequence[Payment]:
        with self.store.reading() as work:
            return work.payments.of_invoice(invoice_id)

    def links(self, invoice_id: int) -> set[str]:
        with self.store.reading() as work:
            return set(work.links.of_invoice(invoice_id))

    def refund(self, invoice_id: int, amount: int | None = None, **more: Any) -> Sequence[Refund]:
        command = IssueRefundCommand(
            tenant_id=self.tenant, user_id=USER, invoice_id=invoice_id, amount=amount, **more
        )
        made: Sequence[Refund] = self.bridge.refunds.issue(command).refunds
        return made

    def unsettled(self, integration_id: int | None = None) -> list[Intent]:
        with self.store.reading() as work:
            return list(work.intents.unsettled_of_integration(integration_id or self.integration_id))

    # Webhooks and workers.

    def receive(self, event: Event | bytes, *, into: int | None = None, secret: str = SECRET) -> bool:
        """Stripe posts an event; returns whether it is new."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        command = ReceiveWebhookCommand(
            payload=payload,
            signature=sign(payload, secret, self.clock.now()),
            integration_id=into,
        )
        is_new: bool = self.bridge.webhook_events.receive(command)
        return is_new

    def events_stored(self) -> Sequence[WebhookEvent]:
        """The tenant's events, newest first."""
        page = self.bridge.webhook_events.list(self.tenant, EventFilter(), PageRequest(per_page=100))
        found: Sequence[WebhookEvent] = page.items
        return found

    def work_off(self) -> None:
        """Do everything that is due now: apply events and settle intents."""
        while self.bridge.webhook_events.apply() + self.bridge.intents.settle_due():
            pass

    def deliver(self, events: Sequence[Event] | None = None) -> None:
        """Stripe posts these events, by default those about the present state, and workers apply them."""
        for event in self.events() if events is None else events:
            self.receive(event)
        self.work_off()

    def come_to_rest(self, integration_id: int | None = None) -> None:
        """Let time pass and workers do what falls due, until nothing is left."""
        for _ in range(20):
            self.clock.advance(A_WHILE)
            self.work_off()
            if not self.unsettled(integration_id):
                return
        raise AssertionError(f"Still unsettled: {self.unsettled(integration_id)}")


class World(AnyWorld):
    """With a store and a Stripe in memory."""

    store: FakeStore
    # Typed loosely, because tests reach into it.
    stripe: Any

    def __init__(self, *, stripe: FakeStripe | None = None, **environment: str) -> None:
        clock, store = FrozenClock(), FakeStore()
        self.stripe = stripe or FakeStripe(clock.now)
        self.nudges = FakeNudges()
        self.deliveries = FakeDeliveries(lambda: store.is_open_here)
        self.probe, self.own_address = FakeStripeProbe(self.stripe), FakeOwnAddress()
        # What Stripe's list of events contains.
        self.listed: Callable[[], list[Event]] = self.events
        adapters = Adapters(
            store=store,
            event_ingest=FakeEventIngest(store),
            clock=clock,
            randomness=FixedRandomness(),
            identifiers=SequentialIdentifiers(),
            vault=FakeVault(),
            signer=FakeSigner(),
            nudges=self.nudges,
            signatures=FakeSignatures(clock.now),
            snapshots=StripeSnapshots(),
            connect_gateway=FakeConnectGateway(self.stripe),
            invoice_gateway=FakeInvoiceGateway(self.stripe),
            receiver_gateway=FakeReceiverGateway(self.stripe),
            refund_gateway=FakeRefundGateway(self.stripe),
            event_gateway=FakeEventGateway(self.stripe, self._listed),
            stripe_probe=self.probe,
            own_address=self.own_address,
            deliveries=self.deliveries,
            metrics=PrometheusMetrics(),
        )
        super().__init__(adapters, clock, ENVIRONMENT | environment)

    def consent(self, account_id: str | None = None, **snapshot: Any) -> str:
        code: str = self.stripe.consent(account_id, **snapshot)
        return code

    def _listed(self, account_id: str) -> list[tuple[datetime, bytes]]:
        """The events as in Stripe's list."""
        events = self.listed() if account_id == self.account_id else []
        return [(self.clock.now(), json.dumps(event).encode()) for event in events]

    # What others do at Stripe.

    def pay(self, invoice: Invoice, amount: int | None = None) -> None:
        self.stripe.pay(invoice.stripe_account_id, _stripe_id(invoice), amount)

    def fail(self, method: str, error: GatewayError, *, times: int = 1, after_effect: bool = False) -> None:
        """Make the next calls of this gateway method raise; with `after_effect`, only the answers are lost."""
        for _ in range(times):
            self.stripe.fail_next(method, error, after_effect=after_effect)

    def stop_failing(self) -> None:
        """Stop all failures."""
        self.stripe._failures.clear()

    def expire_idempotency_keys(self) -> None:
        """Forget the idempotency keys, as Stripe does after a day."""
        self.stripe._answers.clear()

    # What Stripe shows.

    def at_stripe(self) -> list[StripeInvoice]:
        return list(self.stripe.accounts[self.account_id].invoices.values())

    def has_access(self) -> bool:
        return bool(self.stripe.accounts[self.account_id].connected)

    def own_endpoints(self) -> set[str]:
        return set(self.stripe.endpoints[self.account_id])

    def allow_own_endpoints(self) -> None:
        self.stripe.allows_account_endpoints = True

    def payable_at_stripe(self) -> list[StripeInvoice]:
        return [each for each in self.at_stripe() if each.status is StripeInvoiceStatus.OPEN]

    def customers_at_stripe(self) -> list[str]:
        return list(self.stripe.accounts[self.account_id].customers)

    def refunds_at_stripe(self) -> list[StripeRefund]:
        return list(self.stripe.accounts[self.account_id].charges.refunds.values())

    def mails(self) -> list[str]:
        return [invoice_id for invoice_id, _ in self.stripe.accounts[self.account_id].sent]

    def calls(self) -> list[str]:
        return [call.method for call in self.stripe.calls]

    # Events.

    def event(self, type_: str, object_: Mapping[str, Any], **more: Any) -> Event:
        """An event that happened now, in the connected account."""
        shown = {"account": self.account_id, "created": self.clock.now(), **more}
        shown.setdefault("id_", f"evt_{type_}_{crc32(json.dumps(object_).encode())}")
        event: Event = json.loads(an_event_payload(type_, object_, **shown))
        return event

    def events(self) -> list[Event]:
        """The events that Stripe would have created for its present state."""
        account = self.stripe.accounts[self.account_id]
        events = [
            self.event(_TYPES[invoice.status], payloads.invoice_object(invoice))
            for invoice in account.invoices.values()
            if invoice.status in _TYPES
        ]
        payer: dict[str | None, str] = {}
        for payment in account.payments.values():
            payer[payment.payment_intent_id] = account.invoices[payment.invoice_id].customer_id
            if payment.status == "paid":
                events.append(self.event("invoice_payment.paid", payloads.payment_object(payment)))
        for charge in account.charges.charges.values():
            customer, left = payer.get(charge.payment_intent_id), account.charges.left_of(charge)
            events += [
                self.event("charge.succeeded", payloads.charge_object(charge, customer)),
                self.event("payment_intent.succeeded", payloads.payment_intent_object(charge, customer)),
            ]
            if left < charge.amount:
                total_returned = payloads.charge_object(charge, customer, refunded=charge.amount - left)
                events.append(self.event("charge.refunded", total_returned))
        for refund in account.charges.refunds.values():
            kind = "refund.failed" if refund.status == "failed" else "refund.updated"
            events.append(self.event(kind, payloads.refund_object(refund)))
        for dispute in account.charges.disputes.values():
            events.append(self.event("charge.dispute.updated", payloads.dispute_object(dispute)))
        return events


_TYPES = {
    StripeInvoiceStatus.OPEN: "invoice.finalized",
    StripeInvoiceStatus.PAID: "invoice.paid",
    StripeInvoiceStatus.UNCOLLECTIBLE: "invoice.marked_uncollectible",
    StripeInvoiceStatus.VOID: "invoice.voided",
}


def _stripe_id(invoice: Invoice) -> str:
    assert invoice.stripe_invoice_id is not None
    return invoice.stripe_invoice_id


def without_our_times(invoice: Invoice) -> Invoice:
    """What must be the same whenever and in whatever order it was learned."""
    never = datetime.min.replace(tzinfo=UTC)
    return replace(
        invoice, updated_at=never, links_made_at=None, confirmed_at=None, confirm_due_at=None, version=0
    )
