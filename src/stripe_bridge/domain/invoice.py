"""An invoice: a Stripe Invoice for a sales order, from reservation to its end.

    reserved ──> draft ──> open ──> paid
        │          │         ├────> uncollectible ──> paid | void
        └> abandoned <┘      └────> void

`reserved` holds the order before Stripe knows of anything; `abandoned` is what is left of a send that Stripe refused.
Neither leaves this service: callers see a reserved invoice as a draft, and an abandoned one not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from stripe_bridge.domain.errors.rules import InvoiceNotVoidable
from stripe_bridge.domain.hosted_links import ASKED_AT_MOST_EVERY, end_soon, links_expire_at
from stripe_bridge.domain.origin import Actor
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.payment_status import PaymentStatus, RefundStatus
from stripe_bridge.domain.refusal import SendFailure
from stripe_bridge.domain.replacing import replace
from stripe_bridge.domain.sales_order import InvoiceLine
from stripe_bridge.domain.settlement import CONFIRM_AFTER, Settlement
from stripe_bridge.domain.stripe_objects import PaymentProgress, StripeInvoice, StripeInvoiceStatus


class InvoiceStatus(StrEnum):
    RESERVED = "reserved"
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    UNCOLLECTIBLE = "uncollectible"
    VOID = "void"
    ABANDONED = "abandoned"


PAYABLE = frozenset({InvoiceStatus.RESERVED, InvoiceStatus.DRAFT, InvoiceStatus.OPEN})
_OWED = frozenset({InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE})
# In these the order no longer waits for the payment of this invoice.
_ENDED = frozenset({InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID})
# How far an invoice has got. A snapshot of a lower rank is older than what we have; paid and void are final.
_RANK = {
    InvoiceStatus.RESERVED: 0,
    InvoiceStatus.DRAFT: 1,
    InvoiceStatus.OPEN: 2,
    InvoiceStatus.UNCOLLECTIBLE: 3,
    InvoiceStatus.PAID: 4,
    InvoiceStatus.VOID: 4,
    InvoiceStatus.ABANDONED: 4,
}


class SnapshotOrder(StrEnum):
    """How a snapshot compares with what we have, without relying on a clock."""

    NEWER = "newer"
    SAME = "same"
    OLDER = "older"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """Amounts in minor units. `lines` are frozen when the order is reserved, whatever the ERP changes later.

    `links_made_at` is when Stripe made the two links, None if it was not stored; `links_asked_at` when Stripe was last asked
    for new ones because the invoice was shown. `voided_by` is None for one that was voided in Stripe's dashboard.

    `confirmed_at` is when Stripe last showed what this counts for to a reading or in an answer, None if only an event has;
    `confirm_due_at` when it is to be read for that; `contradicted_at` when it last showed that an event was wrong.
    `overdue_for` is the due date that it was noted to be overdue for.
    """

    id: int
    tenant_id: str
    integration_id: int
    sales_order_id: int
    sales_order_number: str
    user_id: int | None
    stripe_account_id: str
    customer_id: int
    customer_email: str
    amount: int
    currency: str
    lines: tuple[InvoiceLine, ...]
    days_until_due: int
    created_at: datetime
    updated_at: datetime
    status: InvoiceStatus = InvoiceStatus.RESERVED
    stripe_invoice_id: str | None = None
    stripe_customer_id: str | None = None
    stripe_payment_intent_id: str | None = None
    stripe_charge_id: str | None = None
    number: str | None = None
    amount_paid: int = 0
    amount_remaining: int = 0
    amount_collected: int = 0
    amount_refunded: int = 0
    amount_lost: int = 0
    dispute_status: str | None = None
    hosted_invoice_url: str | None = None
    invoice_pdf: str | None = None
    links_made_at: datetime | None = None
    links_asked_at: datetime | None = None
    due_date: datetime | None = None
    finalized_at: datetime | None = None
    sent_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    voided_by: Actor | None = None
    last_refunded_at: datetime | None = None
    payment_progress: PaymentProgress | None = None
    payment_failure_reason: str | None = None
    failure_reason: str | None = None
    failure: SendFailure | None = None
    confirmed_at: datetime | None = None
    confirm_due_at: datetime | None = None
    contradicted_at: datetime | None = None
    overdue_for: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    @property
    def is_payable(self) -> bool:
        return self.status in PAYABLE

    @property
    def is_owed(self) -> bool:
        """Whether Stripe takes payment for it."""
        return self.status in _OWED

    @property
    def may_be_revised(self) -> bool:
        """Whether another invoice may have taken its place at Stripe, which voids it. An uncollectible one may have been
        voided without our knowing it yet.
        """
        is_ended = self.status in (InvoiceStatus.VOID, InvoiceStatus.UNCOLLECTIBLE)
        return is_ended and self.finalized_at is not None

    @property
    def hosted_invoice_url_expires_at(self) -> datetime | None:
        made_at = self.links_made_at or self.finalized_at
        if self.hosted_invoice_url is None or made_at is None:
            return None
        return links_expire_at(made_at, self.due_date)

    def links_end_soon(self, now: datetime) -> bool:
        expires_at = self.hosted_invoice_url_expires_at
        return expires_at is not None and end_soon(expires_at, now)

    def may_ask_for_links(self, now: datetime) -> bool:
        """Whether Stripe may be asked for new ones because the invoice is shown."""
        is_asked = self.links_asked_at is not None and now - self.links_asked_at < ASKED_AT_MOST_EVERY
        return self.links_end_soon(now) and not is_asked

    @property
    def settled_amount(self) -> int:
        """How much of the sales order this invoice has settled, in minor units."""
        given_back = self.amount_refunded + self.amount_lost
        return settled_amount(self.status, self.amount, self.amount_remaining, given_back)

    @property
    def has_to_be_confirmed(self) -> bool:
        """Whether it changes what its order owes or may be invoiced for, so that an event's word for it is not enough."""
        return self.status in _ENDED or self.amount_paid > 0

    @property
    def awaits_confirmation(self) -> bool:
        return self.has_to_be_confirmed and (self.confirmed_at is None or self.confirm_due_at is not None)

    @property
    def is_contradicted(self) -> bool:
        """Whether Stripe shows less than this, and it was left as it is."""
        if self.contradicted_at is None or not self.has_to_be_confirmed:
            return False
        return self.confirmed_at is None or self.confirmed_at < self.contradicted_at

    @property
    def settlement(self) -> Settlement | None:
        """Whether Stripe itself has shown what this settles; None if it settles nothing."""
        if self.status is not InvoiceStatus.PAID and self.amount_paid == 0:
            return None
        is_confirmed = self.confirmed_at is not None and not self.is_contradicted
        return Settlement.CONFIRMED if is_confirmed else Settlement.UNCONFIRMED

    @property
    def left_to_pay(self) -> int:
        """What Stripe still asks for. It leaves its own `amount_remaining` as it was when an invoice is voided."""
        if self.is_owed:
            return self.amount_remaining
        return self.amount if self.is_payable else 0

    @property
    def refund_status(self) -> RefundStatus:
        if self.amount_refunded == 0:
            return RefundStatus.NONE
        # A refund may become known before the payment that it gives back.
        collected = self.amount_collected or self.amount_paid
        return RefundStatus.FULL if 0 < collected <= self.amount_refunded else RefundStatus.PARTIAL

    @property
    def payment_status(self) -> PaymentStatus:
        """A bank payment under way comes before what was paid already, and that before a try that failed."""
        if self.status is InvoiceStatus.PAID:
            return PaymentStatus.PAID
        if self.payment_progress is PaymentProgress.PENDING and self.is_owed:
            return PaymentStatus.PENDING
        if self.amount_paid > 0:
            return PaymentStatus.PARTIAL
        is_failed = self.payment_progress is PaymentProgress.FAILED and self.is_owed
        return PaymentStatus.FAILED if is_failed else PaymentStatus.NONE

    @property
    def shown_payment_failure(self) -> str | None:
        """Why the last try failed, as long as that matters."""
        return self.payment_failure_reason if self.is_owed else None

    def check_voidable(self) -> None:
        """Raises InvoiceNotVoidable. Stripe would refuse to void a partly paid one."""
        if self.status in (InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE, InvoiceStatus.VOID):
            raise InvoiceNotVoidable(self.status.value)
        if self.amount_paid > 0:
            raise InvoiceNotVoidable("partly paid")

    def compare(self, snapshot: StripeInvoice) -> SnapshotOrder:
        """Whether the snapshot is newer than this, by rank: a status never goes back, and what was paid stays paid.

        If the rank is equal but the content differs (a credit note changes what remains), only Stripe's current state can
        decide.
        """
        if self.status is InvoiceStatus.DRAFT and snapshot.status is StripeInvoiceStatus.DRAFT:
            # Only our own calls change a draft, and their responses show the changes.
            return SnapshotOrder.SAME
        ours = (_RANK[self.status], self.amount_paid)
        theirs = (_RANK[InvoiceStatus(snapshot.status.value)], snapshot.amount_paid)
        if theirs == ours:
            return SnapshotOrder.SAME if self._agrees_with(snapshot) else SnapshotOrder.UNCLEAR
        if theirs[0] >= ours[0] and theirs[1] >= ours[1]:
            return SnapshotOrder.NEWER
        if theirs[0] <= ours[0] and theirs[1] <= ours[1]:
            return SnapshotOrder.OLDER
        return SnapshotOrder.UNCLEAR

    def observe(self, snapshot: StripeInvoice, now: datetime, *, event_at: datetime | None = None) -> Invoice:
        """Take over what Stripe shows. An older snapshot changes nothing, the same one only confirms what is known.

        `event_at` is when the event was created that carries the snapshot, None for what Stripe itself has answered: only
        that confirms.
        """
        order, is_answer = self.compare(snapshot), event_at is None
        if order is SnapshotOrder.OLDER or self.is_contradicted_by(snapshot):
            return self
        if order is SnapshotOrder.SAME:
            return self.confirm(now) if is_answer and self.awaits_confirmation else self
        following = self._following(snapshot, now, event_at or now)
        if not following.has_to_be_confirmed:
            return following
        if is_answer:
            return following.confirm(now)
        return replace(following, confirmed_at=None, confirm_due_at=now + CONFIRM_AFTER)

    def confirm(self, now: datetime) -> Invoice:
        """Stripe shows what is known here."""
        confirmed = replace(self, confirmed_at=now, confirm_due_at=None)
        return confirmed if confirmed.settlement is self.settlement else replace(confirmed, updated_at=now)

    def is_contradicted_by(self, current: StripeInvoice) -> bool:
        """Whether Stripe shows less than this counts for: a lower status or another end, or less that was paid."""
        if not self.has_to_be_confirmed:
            return False
        order = self.compare(current)
        is_other = (self.status.value, self.amount_paid) != (current.status.value, current.amount_paid)
        return order is SnapshotOrder.OLDER or (order is SnapshotOrder.UNCLEAR and is_other)

    def correct(self, current: StripeInvoice, now: datetime) -> Invoice:
        """The only way back: take over what Stripe shows although it is less than what an event had said."""
        following = replace(self._following(current, now, now), confirmed_at=None, confirm_due_at=None)
        confirmed = following.confirm(now) if following.has_to_be_confirmed else following
        return replace(confirmed, contradicted_at=now)

    def renew_links(self, snapshot: StripeInvoice, now: datetime) -> Invoice:
        """Take over the links of a snapshot that was read just now, and nothing else."""
        return replace(self, **self._links_of(snapshot, now), updated_at=now)

    def ask_for_links(self, now: datetime) -> Invoice:
        return replace(self, links_asked_at=now)

    def note_overdue(self, now: datetime) -> Invoice:
        """Note that its due date has passed, once for each."""
        is_over = self.status is InvoiceStatus.OPEN and self.due_date is not None and self.due_date < now
        if not is_over or self.overdue_for == self.due_date:
            return self
        return replace(self, overdue_for=self.due_date, updated_at=now)

    def mark_sent(self, now: datetime, *, again: bool = False) -> Invoice:
        """Stripe has emailed it, or no longer needs to; `sent_at` is when somebody last had it emailed."""
        return self if self.sent_at is not None and not again else replace(self, sent_at=now, updated_at=now)

    def set_payment_totals(self, primary: Payment | None, collected: int, now: datetime) -> Invoice:
        """The primary payment's intent and charge, and what Stripe collected in total."""
        intent_id, charge_id = self.stripe_payment_intent_id, self.stripe_charge_id
        if primary is not None:
            intent_id, charge_id = primary.payment_intent_id, primary.charge_id
        shown = (self.stripe_payment_intent_id, self.stripe_charge_id, self.amount_collected)
        if shown == (intent_id, charge_id, collected):
            return self
        return replace(
            self,
            stripe_payment_intent_id=intent_id,
            stripe_charge_id=charge_id,
            amount_collected=collected,
            updated_at=now,
        )

    def set_payment_progress(
        self, progress: PaymentProgress | None, reason: str | None, now: datetime
    ) -> Invoice:
        if (self.payment_progress, self.payment_failure_reason) == (progress, reason):
            return self
        return replace(self, payment_progress=progress, payment_failure_reason=reason, updated_at=now)

    def set_refund_totals(self, refunded: int, last_at: datetime | None, now: datetime) -> Invoice:
        """What was refunded in total, which comes from Stripe's refunds, never from adding up events."""
        if (self.amount_refunded, self.last_refunded_at) == (refunded, last_at):
            return self
        return replace(self, amount_refunded=refunded, last_refunded_at=last_at, updated_at=now)

    def set_dispute_totals(self, newest_status: str | None, lost: int, now: datetime) -> Invoice:
        if (self.dispute_status, self.amount_lost) == (newest_status, lost):
            return self
        return replace(self, dispute_status=newest_status, amount_lost=lost, updated_at=now)

    def mark_deleted(self, now: datetime) -> Invoice:
        """It was deleted at Stripe, which counts as void here."""
        return replace(self, status=InvoiceStatus.VOID, voided_at=now, updated_at=now)

    def name_voider(self, actor: Actor | None, now: datetime) -> Invoice:
        """Say who had it voided, if that is known and it is void."""
        if actor in (None, self.voided_by) or self.status is not InvoiceStatus.VOID:
            return self
        return replace(self, voided_by=actor, updated_at=now)

    def abandon(self, reason: str, now: datetime, failure: SendFailure | None = None) -> Invoice:
        """The send failed for good and nothing payable is left at Stripe: the order is free."""
        return replace(
            self, status=InvoiceStatus.ABANDONED, failure_reason=reason, failure=failure, updated_at=now
        )

    def _following(self, snapshot: StripeInvoice, now: datetime, shown_at: datetime) -> Invoice:
        return replace(
            self,
            **self._links_of(snapshot, shown_at),
            status=InvoiceStatus(snapshot.status.value),
            stripe_invoice_id=snapshot.id,
            stripe_customer_id=snapshot.customer_id,
            number=snapshot.number,
            amount_paid=snapshot.amount_paid,
            amount_remaining=snapshot.amount_remaining,
            due_date=snapshot.due_date,
            overdue_for=self.overdue_for if snapshot.due_date == self.due_date else None,
            finalized_at=snapshot.finalized_at,
            paid_at=snapshot.paid_at,
            voided_at=snapshot.voided_at,
            metadata=dict(snapshot.metadata),
            updated_at=now,
        )

    def _links_of(self, snapshot: StripeInvoice, made_at: datetime) -> dict[str, Any]:
        """Those of the snapshot, unless ours are younger: those in an event may have waited."""
        if self.links_made_at is not None and self.links_made_at > made_at:
            return {}
        return {
            "hosted_invoice_url": snapshot.hosted_invoice_url,
            "invoice_pdf": snapshot.invoice_pdf,
            "links_made_at": None if snapshot.hosted_invoice_url is None else made_at,
        }

    def _agrees_with(self, snapshot: StripeInvoice) -> bool:
        # The links are left out: Stripe may render new ones each time.
        return (
            self.status.value == snapshot.status.value
            and self.number == snapshot.number
            and self.amount_remaining == snapshot.amount_remaining
            and self.due_date == snapshot.due_date
            and dict(self.metadata) == dict(snapshot.metadata)
        )


def settled_amount(status: InvoiceStatus, amount: int, remaining: int, given_back: int) -> int:
    """How much of its sales order an invoice has settled, in minor units. `given_back`: refunded, or lost in disputes."""
    if status is not InvoiceStatus.PAID and status not in _OWED:
        return 0
    collected = amount if status is InvoiceStatus.PAID else max(0, amount - remaining)
    return max(0, collected - given_back)
