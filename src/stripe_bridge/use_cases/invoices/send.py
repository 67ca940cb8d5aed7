"""Sending an invoice for a sales order: reserve the order, run the steps of the send, and return the invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.errors.base import InvoiceNotFound
from stripe_bridge.domain.errors.conflicts import OrderBilledTwice
from stripe_bridge.domain.errors.outcomes import CustomerHasBalance, InvoiceNotSent, InvoiceRefused
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import customer_subject, invoice_subject
from stripe_bridge.domain.intent_plans import plan_customer, plan_draft, plan_void
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.refusal import SendFailure
from stripe_bridge.domain.sales_order import SalesOrder
from stripe_bridge.ports.storage.intents import Leased
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.system import Clock, Identifiers
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.intents.wait import QUICK_AT_FIRST, wait_for_invoice
from stripe_bridge.use_cases.invoices.revisions import CheckRevisions
from stripe_bridge.use_cases.invoices.views import InvoiceView, view_invoice, view_invoices
from stripe_bridge.use_cases.records.adopt import check_not_recovering
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

# How long a request waits for an invoice that is being sent, by itself or by another request.
TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendInvoiceCommand:
    """`amount` in minor units; by default all that is outstanding. `email` is by default that of the order's customer."""

    tenant_id: str
    user_id: int | None
    integration_id: int
    sales_order_id: int
    amount: int | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInvoice:
    """`created` says whether this request created the invoice or found an existing one. `last_change` is the number of the
    order's last change.
    """

    view: InvoiceView
    created: bool
    last_change: int | None = None


@dataclass(frozen=True, slots=True)
class _Reserved:
    """`leased` are the intents that the sending starts with: this request settles them once they are committed."""

    invoice_id: int
    created: bool
    integration: Integration
    leased: Sequence[Leased] = ()


@dataclass(frozen=True, slots=True)
class _RevisionsToCheck:
    """Nothing was reserved: first check these invoices at Stripe, outside any transaction."""

    order: SalesOrder
    invoices: Sequence[Invoice]


class SendInvoice:
    """Send an invoice for a sales order, once, however often it is asked to.

    Raises, in this order: SalesOrderNotFound, IntegrationNotFound; Recovering, OrderBilledTwice; IntegrationNotConnected,
    IntegrationRestricted;
    NothingOutstanding, AmountOverOutstanding, EmailMissing, AmountNotChargeable, AmountBelowMinimum; InvoiceRevised;
    InvoiceNotSent, InvoiceRefused, CustomerHasBalance.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        identifiers: Identifiers,
        settle: SettleIntent,
        check_revisions: CheckRevisions,
        signed: SignedMetadata,
        days_until_due: int,
    ) -> None:
        self._store, self._clock, self._identifiers = store, clock, identifiers
        self._settle, self._check_revisions, self._signed = settle, check_revisions, signed
        self._days_until_due = days_until_due

    def __call__(self, command: SendInvoiceCommand) -> SentInvoice:
        checked: frozenset[int] = frozenset()
        while isinstance(reserved := self._reserve(command, checked), _RevisionsToCheck):
            self._check_revisions(reserved.order, reserved.invoices)
            checked = frozenset(invoice.id for invoice in reserved.invoices)
        for leased in reserved.leased:
            self._settle.run_leased(leased)
        created = reserved.created
        sent, is_settled = self._already_settled(reserved) or self._wait_until_settled(reserved)
        invoice = sent.view.invoice
        if invoice.failure_reason is not None and invoice.status in _ABANDONED_OR_VOID:
            raise self._why_undone(command, invoice)
        if created and not is_settled:
            raise InvoiceNotSent(final=False, reason="Stripe has not responded yet")
        if created and invoice.is_payable and invoice.sent_at is None:
            raise InvoiceNotSent(final=False, reason="Stripe refused both to email it and to void it")
        return sent

    def _why_undone(self, command: SendInvoiceCommand, invoice: Invoice) -> InvoiceNotSent:
        """Raises the error of the rule that now applies, if one does."""
        failure = invoice.failure or SendFailure()
        if failure.refusal is not None:
            return InvoiceRefused(failure.refusal)
        if failure.customer_balance is not None and failure.amount_due is not None:
            return CustomerHasBalance(
                balance=failure.customer_balance,
                amount=invoice.amount,
                amount_due=failure.amount_due,
                currency=invoice.currency,
            )
        with self._store.reading() as work:
            work.integrations.get(command.tenant_id, command.integration_id).require_chargeable_account()
        return InvoiceNotSent(final=True, reason=invoice.failure_reason or "")

    def _reserve(self, command: SendInvoiceCommand, checked: frozenset[int]) -> _Reserved | _RevisionsToCheck:
        with self._store.writing() as work:
            order = work.sales_orders.get(command.tenant_id, command.sales_order_id, lock=True)
            integration = work.integrations.get(command.tenant_id, command.integration_id, lock=True)
            if work.recoveries.may_block(order.tenant_id, order.id):
                self._check_recovered(work, order, integration)
            earlier = work.invoices.of_order(order.tenant_id, order.id)
            for invoice in earlier:
                if invoice.is_payable:
                    return _Reserved(invoice.id, False, integration)
            account_id = integration.require_chargeable_account()
            outstanding = order.outstanding(sum(invoice.settled_amount for invoice in earlier))
            amount, email = order.invoice_terms(command.amount, command.email, outstanding)
            ended = [invoice for invoice in earlier if invoice.may_be_revised]
            if not checked.issuperset(invoice.id for invoice in ended):
                return _RevisionsToCheck(order, ended)
            key = CustomerKey.of(
                tenant_id=order.tenant_id,
                account_id=account_id,
                erp_customer_id=order.customer.id,
                email=email,
            )
            customer = work.customers.get_or_add(key)
            invoice = self._new_invoice(work, command, order, customer, email, amount, outstanding)
            leased = self._void_uncollectible(work, earlier)
            leased += self._start(work, invoice, customer, order)
            work.commit()
        return _Reserved(invoice.id, True, integration, leased)

    def _check_recovered(self, work: UnitOfWork, order: SalesOrder, integration: Integration) -> None:
        check_not_recovering(work, order.tenant_id, integration.stripe_account_id)
        for unresolved in work.recoveries.unresolved_of_order(order.tenant_id, order.id):
            raise OrderBilledTwice(unresolved.stripe_invoice_id, unresolved.other_stripe_invoice_id)

    def _new_invoice(
        self,
        work: UnitOfWork,
        command: SendInvoiceCommand,
        order: SalesOrder,
        customer: BilledCustomer,
        email: str,
        amount: int,
        outstanding: int,
    ) -> Invoice:
        now = self._clock.now()
        reserved = Invoice(
            id=0,
            tenant_id=order.tenant_id,
            integration_id=command.integration_id,
            sales_order_id=order.id,
            sales_order_number=order.number,
            user_id=command.user_id,
            stripe_account_id=customer.key.account_id,
            customer_id=customer.id,
            customer_email=email,
            amount=amount,
            currency=order.currency,
            lines=order.invoice_lines(amount, outstanding),
            days_until_due=self._days_until_due,
            created_at=now,
            updated_at=now,
        )
        return work.invoices.add(reserved)

    def _void_uncollectible(self, work: UnitOfWork, earlier: Sequence[Invoice]) -> list[Leased]:
        """An uncollectible invoice still takes payment at Stripe: its void is tried before a new one goes out."""
        leased = []
        for invoice in earlier:
            unsettled = work.intents.find_unsettled(invoice_subject(invoice.id))
            if invoice.status is InvoiceStatus.UNCOLLECTIBLE and unsettled is None:
                plan = plan_void(
                    invoice, because=None, reference=self._identifiers.reference(), now=self._clock.now()
                )
                leased.append(self._settle.lease(work, plan))
        return leased

    def _start(
        self, work: UnitOfWork, invoice: Invoice, customer: BilledCustomer, order: SalesOrder
    ) -> list[Leased]:
        reference, now = self._identifiers.reference(), self._clock.now()
        if customer.stripe_customer_id is not None:
            metadata = self._signed.of_invoice(invoice, reference)
            plan = plan_draft(invoice, customer.stripe_customer_id, metadata, reference=reference, now=now)
        elif work.intents.find_unsettled(customer_subject(customer.id)) is None:
            metadata = self._signed.of_customer(customer, invoice, reference)
            plan = plan_customer(customer, invoice, order.customer, metadata, reference=reference, now=now)
        else:
            return []
        return [self._settle.lease(work, plan)]

    def _already_settled(self, reserved: _Reserved) -> tuple[SentInvoice, bool] | None:
        """Like `_wait_until_settled`, but in a single statement for a new invoice; None if it is not settled yet."""
        known = reserved.integration
        with self._store.autocommit() as work:
            settled = work.invoices.find_settled(reserved.invoice_id)
            # An invoice that was already there may belong to another integration.
            if settled is None or settled.invoice.integration_id != known.id:
                return None
            if settled.invoice.status is InvoiceStatus.RESERVED:
                return None
            view = view_invoice(work, settled.invoice, known.name)
        return SentInvoice(view=view, created=reserved.created, last_change=settled.last_change), True

    def _wait_until_settled(self, reserved: _Reserved) -> tuple[SentInvoice, bool]:
        """The invoice, and whether its sending ended, either way, before the timeout."""
        deadline = self._clock.now() + TIMEOUT
        is_settled = wait_for_invoice(
            self._store, self._clock, self._settle, reserved.invoice_id, deadline, QUICK_AT_FIRST
        )
        with self._store.reading() as work:
            invoice = work.invoices.find(reserved.invoice_id)
            if invoice is None:
                raise InvoiceNotFound
            (view,) = view_invoices(work, [invoice])
            last_change = work.changes.last_of_order(invoice.tenant_id, invoice.sales_order_id)
        return SentInvoice(view=view, created=reserved.created, last_change=last_change), is_settled


_ABANDONED_OR_VOID = frozenset({InvoiceStatus.ABANDONED, InvoiceStatus.VOID})
