"""The two Stripes against which the gateways' contract is tested: the fake, and the emulator behind the real adapter."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import stripe

from stripe_bridge.adapters.stripe_gateway.client import StripeConfig
from stripe_bridge.adapters.stripe_gateway.connect import StripeConnectGateway
from stripe_bridge.adapters.stripe_gateway.events import StripeEventGateway
from stripe_bridge.adapters.stripe_gateway.invoices import StripeInvoiceGateway
from stripe_bridge.adapters.stripe_gateway.receivers import StripeReceiverGateway
from stripe_bridge.adapters.stripe_gateway.refunds import StripeRefundGateway
from stripe_bridge.ports.stripe.connect import ConnectGateway
from stripe_bridge.ports.stripe.errors import GatewayBusy, OutcomeUnknown
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.receivers import ReceiverGateway
from stripe_bridge.ports.stripe.refunds import RefundGateway
from stripe_emulator.server import EmulatorServer
from tests.builders import an_event_payload
from tests.fakes.stripe.connect import FakeConnectGateway
from tests.fakes.stripe.events import FakeEventGateway
from tests.fakes.stripe.fake_stripe import FakeStripe
from tests.fakes.stripe.invoices import FakeInvoiceGateway
from tests.fakes.stripe.receivers import FakeReceiverGateway
from tests.fakes.stripe.refunds import FakeRefundGateway

BACK = "https://bridge.test/back"


class World(Protocol):
    """The gateways, and the actions of others at Stripe."""

    payments: InvoiceGateway
    connect: ConnectGateway
    receivers: ReceiverGateway
    refunds: RefundGateway
    events: EventGateway

    def connect_account(self) -> str:
        return self.connect.redeem(self.consent()).account_id

    def consent(self) -> str: ...
    def revoke(self, account_id: str) -> None: ...
    def restrict(self, account_id: str) -> None: ...
    def pay(self, account_id: str, invoice_id: str, amount: int | None = None) -> None: ...
    def mark_uncollectible(self, account_id: str, invoice_id: str) -> None: ...
    def revise(self, account_id: str, invoice_id: str) -> str:
        """The merchant edits the invoice; returns the id of the invoice that replaces it."""

    def delete_customer(self, account_id: str, customer_id: str) -> None: ...
    def set_balance(self, account_id: str, customer_id: str, balance: int) -> None: ...
    def disable(self, endpoint_id: str) -> None: ...
    def refund(self, account_id: str, charge_id: str, amount: int | None = None) -> str: ...
    def change_refund(self, account_id: str, refund_id: str, status: str) -> None: ...
    def begin_refunds_as(self, status: str) -> None: ...
    def dispute(self, account_id: str, charge_id: str, kind: str) -> str: ...
    def change_dispute(self, account_id: str, dispute_id: str, status: str) -> None: ...
    def make_events(self, account_id: str, number: int) -> None:
        """Make at least this many events about one object of the account."""

    def lose_the_answer_of_the_next(self, method: str) -> None: ...
    def be_busy_for_the_next(self, method: str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class FakeWorld(World):
    def __init__(self, _: Path) -> None:
        self.stripe = FakeStripe()
        self.payments = FakeInvoiceGateway(self.stripe)
        self.connect = FakeConnectGateway(self.stripe)
        self.receivers = FakeReceiverGateway(self.stripe)
        self.refunds = FakeRefundGateway(self.stripe)
        self._list = FakeEventGateway(self.stripe)
        self.events = self._list

    def consent(self) -> str:
        return self.stripe.consent()

    def revoke(self, account_id: str) -> None:
        self.stripe.revoke(account_id)

    def restrict(self, account_id: str) -> None:
        self.stripe.change_account(account_id, charges_enabled=False)

    def pay(self, account_id: str, invoice_id: str, amount: int | None = None) -> None:
        self.stripe.pay(account_id, invoice_id, amount)

    def mark_uncollectible(self, account_id: str, invoice_id: str) -> None:
        self.stripe.mark_uncollectible(account_id, invoice_id)

    def revise(self, account_id: str, invoice_id: str) -> str:
        return self.stripe.revise(account_id, invoice_id).id

    def delete_customer(self, account_id: str, customer_id: str) -> None:
        self.stripe.delete_customer(account_id, customer_id)

    def set_balance(self, account_id: str, customer_id: str, balance: int) -> None:
        self.stripe.set_balance(account_id, customer_id, balance)

    def disable(self, endpoint_id: str) -> None:
        FakeReceiverGateway(self.stripe).disable(None, endpoint_id)

    def refund(self, account_id: str, charge_id: str, amount: int | None = None) -> str:
        return self.stripe.refund(account_id, charge_id, amount).id

    def change_refund(self, account_id: str, refund_id: str, status: str) -> None:
        self.stripe.change_refund(account_id, refund_id, status)

    def begin_refunds_as(self, status: str) -> None:
        self.stripe.new_refund_status = status

    def dispute(self, account_id: str, charge_id: str, kind: str) -> str:
        return self.stripe.dispute(account_id, charge_id, kind).id

    def change_dispute(self, account_id: str, dispute_id: str, status: str) -> None:
        self.stripe.change_dispute(account_id, dispute_id, status)

    def make_events(self, account_id: str, number: int) -> None:
        now = datetime.now(UTC)
        made = self._list.happened.setdefault(account_id, [])
        for _ in range(number):
            object_ = {"id": "cus_1", "object": "customer"}
            id_ = self.stripe.new_id("evt")
            body = an_event_payload("customer.updated", object_, id_=id_, account=account_id, created=now)
            made.append((now, body))

    def lose_the_answer_of_the_next(self, method: str) -> None:
        self.stripe.fail_next(method, OutcomeUnknown("cut"), after_effect=True)

    def be_busy_for_the_next(self, method: str) -> None:
        self.stripe.fail_next(method, GatewayBusy("busy"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class EmulatedWorld(World):
    connect: ConnectGateway

    def __init__(self, wire_log: Path, token_for: Callable[[str], str | None] | None = None) -> None:
        self.emulator = EmulatorServer(wire_log=wire_log)
        settings = self.emulator.settings
        access = StripeConfig(
            secret_key=settings.secret_key,
            client_id=settings.client_id,
            api_base=self.emulator.url,
            connect_base=self.emulator.url,
        )
        self.payments = StripeInvoiceGateway(access, token_for)
        self.connect = StripeConnectGateway(access)
        self.receivers = StripeReceiverGateway(access, token_for)
        self.refunds = StripeRefundGateway(access, token_for)
        self.events = StripeEventGateway(access, token_for)
        self._others = stripe.StripeClient(settings.secret_key, base_addresses=self.emulator.base_addresses)

    def consent(self) -> str:
        url = self.connect.authorize_url(state="s", redirect_uri=BACK)
        back = requests.post(url, data={"decision": "approve"}, allow_redirects=False, timeout=60)
        return parse_qs(urlsplit(back.headers["Location"]).query)["code"][0]

    def revoke(self, account_id: str) -> None:
        self.emulator.control.revoke(account_id)

    def restrict(self, account_id: str) -> None:
        self.emulator.control.change_account(account_id, {"charges_enabled": False})

    def pay(self, account_id: str, invoice_id: str, amount: int | None = None) -> None:
        self.emulator.control.pay(invoice_id, amount=amount)

    def mark_uncollectible(self, account_id: str, invoice_id: str) -> None:
        self.emulator.control.mark_uncollectible(invoice_id)

    def revise(self, account_id: str, invoice_id: str) -> str:
        return str(self.emulator.control.revise(invoice_id)["id"])

    def delete_customer(self, account_id: str, customer_id: str) -> None:
        self._others.v1.customers.delete(customer_id, {}, {"stripe_account": account_id})

    def set_balance(self, account_id: str, customer_id: str, balance: int) -> None:
        self._others.v1.customers.update(customer_id, {"balance": balance}, {"stripe_account": account_id})

    def disable(self, endpoint_id: str) -> None:
        self._others.v1.webhook_endpoints.update(endpoint_id, {"disabled": True})

    def refund(self, account_id: str, charge_id: str, amount: int | None = None) -> str:
        return str(self.emulator.control.refund(charge_id, amount)["id"])

    def change_refund(self, account_id: str, refund_id: str, status: str) -> None:
        self.emulator.control.change_refund(refund_id, status)

    def begin_refunds_as(self, status: str) -> None:
        self.emulator.control.misbehave({"refunds": {"status": status}})

    def dispute(self, account_id: str, charge_id: str, kind: str) -> str:
        return str(self.emulator.control.dispute(charge_id, kind)["id"])

    def change_dispute(self, account_id: str, dispute_id: str, status: str) -> None:
        self.emulator.control.change_dispute(dispute_id, status)

    def make_events(self, account_id: str, number: int) -> None:
        acting: stripe.RequestOptions = {"stripe_account": account_id}
        customer = self._others.v1.customers.create({"email": "a@b.test"}, acting)
        for each in range(number):
            self._others.v1.customers.update(customer.id, {"name": f"Name {each}"}, acting)

    def lose_the_answer_of_the_next(self, method: str) -> None:
        self._misbehave("cut_after")

    def be_busy_for_the_next(self, method: str) -> None:
        self._misbehave("rate_limit")

    def _misbehave(self, effect: str) -> None:
        self.emulator.control.misbehave({"calls": [{"effect": effect, "next": 1}]})

    def __enter__(self) -> Self:
        self.emulator.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.emulator.stop()


class EmulatedWorldByToken(EmulatedWorld):
    """Acts for an account with the token that it granted."""

    def __init__(self, wire_log: Path) -> None:
        self._tokens: dict[str, str] = {}
        super().__init__(wire_log, self._tokens.get)

    def connect_account(self) -> str:
        granted = self.connect.redeem(self.consent())
        self._tokens[granted.account_id] = granted.access_token
        return granted.account_id


FAKE = pytest.param(FakeWorld, id="fake")
EMULATED = pytest.param(EmulatedWorld, id="emulated")
BY_TOKEN = pytest.param(EmulatedWorldByToken, id="by-token")
