"""Taking in invoices that were made for us at Stripe and are not known here: the database was restored from a backup.

The money is still at Stripe, and so is what each invoice was made for, in its signed metadata. The first such invoice holds
the tenant's sends, since the orders that look unbilled here may have been billed; each of them is then stored again under the
id that it had.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from stripe_bridge.domain.billed_customer import BilledCustomer, CustomerKey
from stripe_bridge.domain.errors.outcomes import Recovering
from stripe_bridge.domain.ids import read_id
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent, IntentState, customer_subject, invoice_subject
from stripe_bridge.domain.intent_plans import plan_draft
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.provenance import Provenance
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.recovery import (
    ID_MARGIN,
    HighestIds,
    RecoveryHold,
    SigningKey,
    UnresolvedInvoice,
    is_held,
)
from stripe_bridge.domain.sales_order import Customer, InvoiceLine, SalesOrder
from stripe_bridge.domain.stripe_objects import (
    METADATA_CUSTOMER,
    ListedInvoice,
    StripeInvoice,
    StripeInvoiceStatus,
)
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_log = logging.getLogger(__name__)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_PAYABLE = frozenset({StripeInvoiceStatus.DRAFT, StripeInvoiceStatus.OPEN})
_FOUND = "found at Stripe after a restore"
# A merchant can write any key's fingerprint into metadata.
_MAX_SIGNING_KEYS = 50


def check_not_recovering(work: UnitOfWork, tenant_id: str, account_id: str | None) -> None:
    """Raises Recovering while the tenant's sends are held."""
    if is_held(work.recoveries.holds_of(tenant_id), account_id):
        raise Recovering


def hold_sends(work: UnitOfWork, hold: RecoveryHold, seen: HighestIds) -> bool:
    """Hold a tenant's sends, or everyone's, and give out no id again that a caller may hold. False if it is held already."""
    is_first = not work.recoveries.open_holds()
    if not work.recoveries.hold(hold):
        return False
    if is_first:
        work.recoveries.raise_ids(seen, ID_MARGIN)
    work.recoveries.doubt_intents(hold.tenant_id)
    _log.warning(
        "sends held after a restore",
        extra={
            "tenant": hold.tenant_id or "all",
            "account_id": hold.account_id or "all",
            "stripe_invoice_id": hold.stripe_invoice_id,
        },
    )
    return True


def ids_of(made: Provenance) -> HighestIds:
    return HighestIds(
        integration=made.integration_id, invoice=made.invoice_id or 0, refund=made.refund_id or 0
    )


class DetectRestore:
    """Hold a tenant's sends if an invoice shows that the database has lost it."""

    def __init__(self, clock: Clock, signed: SignedMetadata) -> None:
        self._clock, self._signed = clock, signed

    def __call__(self, work: UnitOfWork, account_id: str, seen: StripeInvoice) -> bool:
        """Whether the invoice is one that was lost."""
        self.note_key(work, seen.id, seen)
        made = self._signed.invoice(account_id, seen)
        if made is None or not is_lost(work, account_id, seen.id, made):
            return False
        hold = RecoveryHold(
            tenant_id=made.tenant_id,
            account_id=account_id,
            held_at=self._clock.now(),
            stripe_invoice_id=seen.id,
        )
        hold_sends(work, hold, ids_of(made))
        return True

    def note_key(self, work: UnitOfWork, stripe_id: str, seen: StripeInvoice) -> None:
        """Note a key that signed something and is not configured, for operators to find it."""
        fingerprint = self._signed.unknown_key(seen.metadata)
        if fingerprint is not None and len(work.recoveries.signing_keys()) < _MAX_SIGNING_KEYS:
            work.recoveries.note_key(
                SigningKey(fingerprint=fingerprint, seen_at=self._clock.now(), stripe_id=stripe_id)
            )


def is_lost(work: UnitOfWork, account_id: str, stripe_id: str, made: Provenance) -> bool:
    """Whether an invoice that we made is not known here: a send that crashed half-way has an intent with its reference."""
    if work.links.find_invoice_id(account_id, stripe_id) is not None:
        return False
    if work.recoveries.is_unresolved(account_id, stripe_id):
        return False
    if work.intents.find_by_reference(made.reference) is not None:
        return False
    return _joined(work, account_id, made.tenant_id) is not None


class OrderBusy(Exception):
    """The order's reservation is being sent right now, so that it cannot be said yet whether Stripe has it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an invoice is stored: in a row that knows of no Stripe invoice, under its old id, or under a new one."""

    row: Invoice | None
    invoice_id: int | None


class AdoptInvoice:
    """Store an invoice that Stripe shows and that is not known here, with what it belongs to.

    Returns what became of it: `adopted`, `copied_reference`, `billed_twice`, or None if there is nothing to do.
    Raises OrderBusy.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(
        self, work: UnitOfWork, account_id: str, listed: ListedInvoice, made: Provenance
    ) -> Drift | None:
        seen = listed.invoice
        joined = _joined(work, account_id, made.tenant_id)
        if joined is None or work.links.find_invoice_id(account_id, seen.id) is not None:
            return None
        order = self._order(work, listed, made)
        earlier = work.intents.find_by_reference(made.reference)
        row = (
            None if earlier is None or earlier.invoice_id is None else work.invoices.find(earlier.invoice_id)
        )
        if row is not None and row.stripe_invoice_id is not None:
            return (
                None if listed.revises else self._copied(work, account_id, seen, made, row.stripe_invoice_id)
            )
        if earlier is not None and not earlier.is_settled:
            # Its own step finds it.
            return None
        place = self._place(work, account_id, made, row)
        if seen.status in _PAYABLE:
            rival = self._rival(work, order, place)
            if rival is not None:
                return self._billed_twice(work, account_id, seen, made, rival)
        invoice = self._store(work, listed, made, joined, place)
        if earlier is None:
            self._keep_reference(work, invoice, made, listed)
        work.links.add(account_id, invoice.id, [seen.id])
        work.recoveries.resolve(account_id, seen.id)
        _log.info("invoice adopted", extra={"invoice_id": invoice.id, "stripe_invoice_id": seen.id})
        return Drift.ADOPTED

    def _order(self, work: UnitOfWork, listed: ListedInvoice, made: Provenance) -> SalesOrder:
        """The order, locked; one that is not known stands in until the ERP submits it."""
        assert made.sales_order_id is not None
        known = work.sales_orders.find(made.tenant_id, made.sales_order_id, lock=True)
        if known is not None:
            return known
        now = self._clock.now()
        stand_in = SalesOrder(
            tenant_id=made.tenant_id,
            id=made.sales_order_id,
            number=made.sales_order_number or str(made.sales_order_id),
            currency=listed.invoice.currency,
            total=0,
            paid_elsewhere=0,
            customer=Customer(id=_erp_customer(listed), name="", email=listed.customer_email),
            lines=(),
            source_updated_at=_LONG_AGO,
            created_at=now,
            updated_at=now,
            submitted=False,
        )
        work.sales_orders.add(stand_in)
        return work.sales_orders.find(made.tenant_id, made.sales_order_id, lock=True) or stand_in

    def _place(self, work: UnitOfWork, account_id: str, made: Provenance, row: Invoice | None) -> _Place:
        if row is not None:
            return _Place(row, row.id)
        if made.invoice_id is None:
            return _Place(None, None)
        there = work.invoices.find(made.invoice_id, lock=True)
        if there is None:
            return _Place(None, made.invoice_id)
        is_same = (
            there.stripe_invoice_id is None
            and (there.tenant_id, there.sales_order_id) == (made.tenant_id, made.sales_order_id)
            and (there.stripe_account_id, there.amount, there.currency)
            == (account_id, made.amount, made.currency)
        )
        if is_same:
            return _Place(there, there.id)
        # It was given out again before the restore was noticed.
        _log.warning(
            "invoice id taken",
            extra={"invoice_id": made.invoice_id, "reference": made.reference, "tenant": made.tenant_id},
        )
        return _Place(None, None)

    def _rival(self, work: UnitOfWork, order: SalesOrder, place: _Place) -> Invoice | None:
        """The order's other payable invoice. A reservation that never got to Stripe gives way."""
        own_id = None if place.row is None else place.row.id
        for other in work.invoices.of_order(order.tenant_id, order.id):
            if not other.is_payable or other.id == own_id:
                continue
            if other.stripe_invoice_id is not None:
                return other
            self._give_up(work, other)
            work.invoices.save(other.abandon(f"another invoice of the order was {_FOUND}", self._clock.now()))
        return None

    def _give_up(self, work: UnitOfWork, reserved: Invoice) -> None:
        """What was to be asked of Stripe for a reservation is not asked any more. Raises OrderBusy."""
        intent = work.intents.find_unsettled(invoice_subject(reserved.id))
        waiting = intent or work.intents.find_unsettled(customer_subject(reserved.customer_id))
        now = self._clock.now()
        if waiting is not None and waiting.state is IntentState.SENT and not waiting.is_due(now):
            raise OrderBusy
        if intent is not None:
            work.intents.save(intent.fail(f"the invoice was {_FOUND}", now))

    def _store(
        self,
        work: UnitOfWork,
        listed: ListedInvoice,
        made: Provenance,
        joined: Integration,
        place: _Place,
    ) -> Invoice:
        seen, now = listed.invoice, self._clock.now()
        if place.row is not None:
            if place.row.status is InvoiceStatus.RESERVED:
                self._give_up(work, place.row)
            reserved = replace(place.row, status=InvoiceStatus.RESERVED, failure_reason=None)
            return work.invoices.save(_as_shown(reserved, seen, now))
        integration_id = _integration_of(work, made, joined)
        customer = self._customer(work, listed, made, joined)
        invoice = _as_shown(_reserved(listed, made, integration_id, customer, now), seen, now)
        if place.invoice_id is not None and work.invoices.restore(replace(invoice, id=place.invoice_id)):
            return replace(invoice, id=place.invoice_id)
        return work.invoices.add(invoice)

    def _customer(
        self, work: UnitOfWork, listed: ListedInvoice, made: Provenance, joined: Integration
    ) -> BilledCustomer:
        erp_customer_id = _erp_customer(listed)
        key = CustomerKey.of(
            tenant_id=made.tenant_id,
            account_id=made.account_id,
            erp_customer_id=erp_customer_id,
            email=listed.customer_email or "",
        )
        customer = work.customers.get_or_add(key)
        waits = work.intents.find_unsettled(customer_subject(customer.id)) is not None
        if customer.stripe_customer_id is None and erp_customer_id and not waits:
            customer = replace(customer, stripe_customer_id=listed.invoice.customer_id)
            work.customers.save(customer)
        return customer

    def _keep_reference(
        self, work: UnitOfWork, invoice: Invoice, made: Provenance, listed: ListedInvoice
    ) -> None:
        """The intent that made it, as it ended."""
        now = self._clock.now()
        planned = plan_draft(
            invoice,
            listed.invoice.customer_id,
            listed.invoice.metadata,
            reference=made.reference,
            now=listed.created_at,
        )
        ended: Intent = replace(planned, state=IntentState.CONFIRMED, updated_at=now)
        work.intents.add(ended)

    def _copied(
        self, work: UnitOfWork, account_id: str, seen: StripeInvoice, made: Provenance, other: str
    ) -> Drift:
        self.set_aside(work, account_id, seen.id, other, made, Drift.COPIED_REFERENCE)
        return Drift.COPIED_REFERENCE

    def _billed_twice(
        self, work: UnitOfWork, account_id: str, seen: StripeInvoice, made: Provenance, rival: Invoice
    ) -> Drift:
        other = rival.stripe_invoice_id or ""
        self.set_aside(work, account_id, seen.id, other, made, Drift.BILLED_TWICE)
        return Drift.BILLED_TWICE

    def set_aside(
        self, work: UnitOfWork, account_id: str, stripe_id: str, other: str, made: Provenance, cause: Drift
    ) -> None:
        """Leave an invoice to an operator, and hold its order's sends."""
        assert made.sales_order_id is not None
        unresolved = UnresolvedInvoice(
            account_id=account_id,
            stripe_invoice_id=stripe_id,
            other_stripe_invoice_id=other,
            tenant_id=made.tenant_id,
            sales_order_id=made.sales_order_id,
            cause=cause,
            found_at=self._clock.now(),
        )
        work.recoveries.add_unresolved(unresolved)
        _log.warning(
            cause.value.replace("_", " "),
            extra={
                "tenant": made.tenant_id,
                "sales_order_id": made.sales_order_id,
                "stripe_invoice_ids": [other, stripe_id],
            },
        )


def _joined(work: UnitOfWork, account_id: str, tenant_id: str) -> Integration | None:
    """The tenant's integration that is connected to the account now."""
    integration = work.integrations.find_by_account(account_id)
    if integration is None or not integration.can_act_for(tenant_id, account_id):
        return None
    return integration


def _integration_of(work: UnitOfWork, made: Provenance, joined: Integration) -> int:
    """The one that sent the invoice, if it is still there."""
    sender = work.integrations.find(made.integration_id)
    if sender is None or (sender.tenant_id, sender.account_id) != (made.tenant_id, made.account_id):
        return joined.id
    return sender.id


def _erp_customer(listed: ListedInvoice) -> int:
    """The ERP's customer, 0 if Stripe does not show it."""
    return read_id(listed.customer_metadata.get(METADATA_CUSTOMER, "")) or 0


def _reserved(
    listed: ListedInvoice,
    made: Provenance,
    integration_id: int,
    customer: BilledCustomer,
    now: datetime,
) -> Invoice:
    """As it was before Stripe knew of it. Its lines are not needed any more, and who sent it is not known any more."""
    seen = listed.invoice
    amount = seen.total if made.amount is None else made.amount
    number = made.sales_order_number or str(made.sales_order_id)
    days = 0 if seen.due_date is None else max(0, (seen.due_date - listed.created_at).days)
    return Invoice(
        id=0,
        tenant_id=made.tenant_id,
        integration_id=integration_id,
        sales_order_id=made.sales_order_id or 0,
        sales_order_number=number,
        user_id=None,
        stripe_account_id=made.account_id,
        customer_id=customer.id,
        customer_email=listed.customer_email or "",
        amount=amount,
        currency=seen.currency,
        lines=(InvoiceLine(description=f"Sales order {number}", amount=amount),),
        days_until_due=days,
        created_at=listed.created_at,
        updated_at=now,
    )


def _as_shown(reserved: Invoice, seen: StripeInvoice, now: datetime) -> Invoice:
    invoice = reserved.observe(seen, now)
    return invoice if seen.finalized_at is None else invoice.mark_sent(seen.finalized_at)
