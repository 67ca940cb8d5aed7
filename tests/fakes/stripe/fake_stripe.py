"""A Stripe in memory, behind the fake gateways: its objects, who may access them, and how it can fail."""

import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from stripe_bridge.domain.stripe_objects import (
    AccountSnapshot,
    PaymentProgress,
    StripeDispute,
    StripeInvoice,
    StripeInvoiceStatus,
    StripePayment,
    StripeRefund,
    WebhookEndpoint,
)
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError, KeySpent, ObjectMissing
from tests.fakes.stripe.fake_charges import FakeCharge, FakeCharges

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a gateway's method. `account_id` None means the platform."""

    method: str
    account_id: str | None
    key: str | None
    arguments: Mapping[str, Any]


@dataclass(kw_only=True)
class FakeCustomer:
    id: str
    email: str
    metadata: Mapping[str, str]
    balance: int = 0
    """What it owes from before (positive) or has to its credit (negative): the next invoice takes it in."""


@dataclass(kw_only=True)
class FakeAccount:
    """The objects of one account. Invoices are stored here without their payments."""

    snapshot: AccountSnapshot
    charges: FakeCharges
    connected: bool = True
    customers: dict[str, FakeCustomer] = field(default_factory=dict)
    invoices: dict[str, StripeInvoice] = field(default_factory=dict)
    created_at: dict[str, datetime] = field(default_factory=dict)
    revises: dict[str, str] = field(default_factory=dict)
    emails: dict[str, str] = field(default_factory=dict)
    payments: dict[str, StripePayment] = field(default_factory=dict)
    sent: list[tuple[str, datetime]] = field(default_factory=list)

    def invoice(self, invoice_id: str) -> StripeInvoice:
        return missing_unless(self.invoices.get(invoice_id), invoice_id, "invoice")

    def payments_of(self, invoice_id: str) -> tuple[StripePayment, ...]:
        return tuple(each for each in self.payments.values() if each.invoice_id == invoice_id)


class FakeStripe:
    """Shared by the fake gateways of one test; safe to use from several threads.

    `calls` has every call made, including those that failed.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), livemode: bool = False):
        self.now, self.livemode = now, livemode
        self.voids_uncollectible = False
        self.allows_account_endpoints = False
        self.new_refund_status = "succeeded"
        self.accounts: dict[str, FakeAccount] = {}
        self.endpoints: dict[str | None, dict[str, WebhookEndpoint]] = defaultdict(dict)
        self.codes: dict[str, str] = {}
        self.used_codes: set[str] = set()
        self.calls: list[Call] = []
        self._lock = threading.RLock()
        self._numbers = itertools.count(1)
        self._failures: dict[str, deque[tuple[GatewayError, bool]]] = defaultdict(deque)
        self._hooks: dict[str, deque[Callable[[], None]]] = defaultdict(deque)
        self._answers: dict[tuple[str | None, str], tuple[Call, Any]] = {}

    # For tests to arrange.

    def connect_account(self, account_id: str | None = None, **snapshot: Any) -> str:
        """An account that has connected the platform."""
        with self._lock:
            account_id = account_id or self.new_id("acct")
            known = self.accounts.get(account_id)
            if known is None:
                able = {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True}
                shown = AccountSnapshot(account_id=account_id, **(able | {"country": "US"} | snapshot))
                charges = FakeCharges(new_id=self.new_id, now=self.now)
                self.accounts[account_id] = FakeAccount(snapshot=shown, charges=charges)
            else:
                known.snapshot = replace(known.snapshot, **snapshot)
                known.connected = True
            return account_id

    def consent(self, account_id: str | None = None, **snapshot: Any) -> str:
        """A merchant approves; returns the OAuth code that the browser brings back."""
        with self._lock:
            known = self.accounts.get(account_id or "")
            was_connected = known is not None and known.connected
            account_id = self.connect_account(account_id, **snapshot)
            self.accounts[account_id].connected = was_connected
            code = self.new_id("ac")
            self.codes[code] = account_id
            return code

    def change_account(self, account_id: str, **snapshot: Any) -> None:
        with self._lock:
            account = self.accounts[account_id]
            account.snapshot = replace(account.snapshot, **snapshot)

    def revoke(self, account_id: str) -> None:
        """The merchant revokes the platform's access."""
        with self._lock:
            self.accounts[account_id].connected = False

    def delete_customer(self, account_id: str, customer_id: str) -> None:
        with self._lock:
            del self.accounts[account_id].customers[customer_id]

    def set_balance(self, account_id: str, customer_id: str, balance: int) -> None:
        with self._lock:
            self.accounts[account_id].customers[customer_id].balance = balance

    def mark_uncollectible(self, account_id: str, invoice_id: str) -> None:
        with self._lock:
            account = self.accounts[account_id]
            open_ = account.invoices[invoice_id]
            account.invoices[invoice_id] = replace(open_, status=StripeInvoiceStatus.UNCOLLECTIBLE)

    def revise(self, account_id: str, invoice_id: str) -> StripeInvoice:
        """The merchant edits an unpaid invoice: a new invoice takes its place."""
        with self._lock:
            account = self.accounts[account_id]
            original = account.invoices[invoice_id]
            revision = replace(
                original, id=self.new_id("in"), number=self.new_id("R"), status=StripeInvoiceStatus.OPEN
            )
            (asked_for,) = account.payments_of(invoice_id)
            asked_for = replace(
                asked_for,
                id=self.new_id("inpay"),
                invoice_id=revision.id,
                payment_intent_id=self.new_id("pi"),
            )
            account.payments[asked_for.id] = asked_for
            account.invoices[revision.id] = revision
            account.created_at[revision.id] = self.now()
            account.revises[revision.id] = invoice_id
            account.emails[revision.id] = account.emails.get(invoice_id, "")
            void = replace(original, status=StripeInvoiceStatus.VOID, voided_at=self.now())
            account.invoices[invoice_id] = replace(void, latest_revision=revision.id)
            return revision

    def void(self, account_id: str, invoice_id: str) -> None:
        """The merchant voids an invoice in the dashboard."""
        with self._lock:
            invoices = self.accounts[account_id].invoices
            void = replace(invoices[invoice_id], status=StripeInvoiceStatus.VOID, voided_at=self.now())
            invoices[invoice_id] = void

    def pay(self, account_id: str, invoice_id: str, amount: int | None = None) -> StripePayment:
        """The customer pays an invoice or a part of it. The default payment is the one that pays the rest."""
        with self._lock:
            account = self.accounts[account_id]
            invoice = account.invoices[invoice_id]
            amount = invoice.amount_remaining if amount is None else amount
            remaining = max(0, invoice.amount_remaining - amount)
            payment = self._paid(account, invoice, amount, partial=remaining > 0)
            account.payments[payment.id] = payment
            invoice = replace(invoice, amount_paid=invoice.amount_paid + amount, amount_remaining=remaining)
            if remaining == 0:
                invoice = replace(invoice, status=StripeInvoiceStatus.PAID, paid_at=self.now())
            account.invoices[invoice_id] = invoice
            return payment

    def try_payment(
        self, account_id: str, invoice_id: str, progress: PaymentProgress, failure_reason: str | None = None
    ) -> StripePayment:
        """The customer tries to pay what is due: by bank debit, which takes its time, or in vain."""
        with self._lock:
            account = self.accounts[account_id]
            (default,) = (each for each in account.payments_of(invoice_id) if each.is_default)
            method = "us_bank_account" if progress is PaymentProgress.PENDING else "card"
            tried = replace(default, progress=progress, failure_reason=failure_reason, method=method)
            account.payments[tried.id] = tried
            return tried

    def refund(
        self, account_id: str, charge_id: str, amount: int | None = None, reason: str | None = None
    ) -> StripeRefund:
        """The merchant refunds a part of a charge, or what is left of it, in Stripe's dashboard."""
        with self._lock:
            charges, status = self.accounts[account_id].charges, self.new_refund_status
            charge = charges.charges[charge_id]
            return charges.refund(charge, amount, status=status, reason=reason, metadata={})

    def change_refund(
        self, account_id: str, refund_id: str, status: str, failure_reason: str = "unknown"
    ) -> StripeRefund:
        """The customer's bank changes a refund's status."""
        with self._lock:
            return self.accounts[account_id].charges.change_refund(refund_id, status, failure_reason)

    def dispute(
        self, account_id: str, charge_id: str, kind: str = "chargeback", amount: int | None = None
    ) -> StripeDispute:
        """The customer disputes a charge: an `inquiry` or a `chargeback`."""
        with self._lock:
            charges = self.accounts[account_id].charges
            return charges.dispute(charges.charges[charge_id], kind, amount)

    def change_dispute(self, account_id: str, dispute_id: str, status: str) -> StripeDispute:
        """The bank changes a dispute's status."""
        with self._lock:
            return self.accounts[account_id].charges.change_dispute(dispute_id, status)

    def fail_next(self, method: str, error: GatewayError, *, after_effect: bool = False) -> None:
        """Make the next call of this method raise; with `after_effect`, only the answer is lost."""
        with self._lock:
            self._failures[method].append((error, after_effect))

    def before_next(self, method: str, hook: Callable[[], None]) -> None:
        """Run this when the next call of the method arrives, before it has an effect: to block it, or to act first."""
        with self._lock:
            self._hooks[method].append(hook)

    def calls_of(self, method: str) -> list[Call]:
        with self._lock:
            return [call for call in self.calls if call.method == method]

    # For the gateways.

    def serve(self, call: Call, effect: Callable[[], Result]) -> Result:
        """One call, from its arrival to its answer."""
        with self._lock:
            self.calls.append(call)
            hook = self._hooks[call.method].popleft() if self._hooks[call.method] else None
        if hook is not None:
            hook()
        with self._lock:
            failures = self._failures[call.method]
            error, after_effect = failures.popleft() if failures else (None, False)
            if error is not None and not after_effect:
                raise error
            result = self._once(call, effect)
            if error is not None:
                raise error
            return result

    def account(self, account_id: str) -> FakeAccount:
        """The account. Raises AccessRevoked unless it has connected the platform."""
        account = self.accounts.get(account_id)
        if account is None or not account.connected:
            raise AccessRevoked(f"The key has no access to {account_id}.", code="account_invalid")
        return account

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_fake{next(self._numbers):06d}"

    def _once(self, call: Call, effect: Callable[[], Result]) -> Result:
        """If the key was used before, the answer given then. Refusals are not stored."""
        if call.key is None:
            return effect()
        if call.account_id is not None:
            self.account(call.account_id)
        known = self._answers.get((call.account_id, call.key))
        if known is None:
            answer = effect()
            self._answers[call.account_id, call.key] = (call, answer)
            return answer
        first_call, first_answer = known
        if first_call != call:
            raise KeySpent("Keys can only be used with the same parameters.", code=None)
        stored: Result = first_answer
        return stored

    def _paid(
        self, account: FakeAccount, invoice: StripeInvoice, amount: int, *, partial: bool
    ) -> StripePayment:
        default = next(each for each in account.payments_of(invoice.id) if each.is_default)
        if partial:
            default = replace(
                default,
                id=self.new_id("inpay"),
                payment_intent_id=self.new_id("pi"),
                is_default=False,
            )
        charge = FakeCharge(
            id=self.new_id("ch"),
            payment_intent_id=default.payment_intent_id,
            amount=amount,
            currency=invoice.currency,
        )
        account.charges.charges[charge.id] = charge
        return replace(
            default,
            status="paid",
            amount_paid=amount,
            charge_id=charge.id,
            paid_at=self.now(),
            method="card",
        )


def missing_unless(found: Result | None, object_id: str, param: str) -> Result:
    if found is None:
        raise ObjectMissing(f"No such {param}: {object_id!r}", code="resource_missing", param=param)
    return found
