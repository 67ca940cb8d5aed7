"""Judging events by their handlers in a dry run: the oldest first, each on top of what those before it would do.

Where Stripe would have to be asked, the effect of an event is unknown, and so is that of each later one about the same
invoice. So what is said of all other objects is exactly what applying the events does, whichever are applied first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from stripe_bridge.domain.changes.recorded import KINDS
from stripe_bridge.domain.changes.shown import shown_time
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.errors.describe import describe_error
from stripe_bridge.domain.errors.outcomes import PayloadMalformed
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.replay import FieldChange, Outcome, PlannedEvent, PlannedKind, PlannedObject
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason, StripeEvent, WebhookEvent
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.webhook_events.apply import DispatchEvents, links_of
from stripe_bridge.use_cases.webhook_events.dry_run import DryRun, Held, HeldChange, NotInDryRun
from stripe_bridge.use_cases.webhook_events.handlers.handler import HandlerTable, NeedsRefetch

KIND_OF: Mapping[type[Held], PlannedKind] = {
    Invoice: PlannedKind.INVOICE,
    Payment: PlannedKind.PAYMENT,
    Refund: PlannedKind.REFUND,
    Dispute: PlannedKind.DISPUTE,
}
# These are decided before it is asked whether the account is connected.
_FIRM_SKIPS = frozenset(
    {SkipReason.UNKNOWN_TYPE, SkipReason.NO_INTEGRATION, SkipReason.OTHER_ACCOUNT, SkipReason.OTHER_LIVEMODE}
)


class Rehearsal:
    """Judges events, batch by batch, and remembers which objects they are about."""

    def __init__(
        self,
        run: DryRun,
        dispatch: DispatchEvents,
        table: HandlerTable,
        read_event: Callable[[bytes], StripeEvent],
        now: datetime,
    ) -> None:
        self._run, self._dispatch, self._table = run, dispatch, table
        self._read_event, self._now = read_event, now
        self.invoice_ids: set[int] = set()
        self.integration_ids: set[int] = set()
        self._unknown = _Unknown(run)

    def judge(self, events: Sequence[WebhookEvent]) -> Iterator[PlannedEvent]:
        """`events` with their payloads."""
        parsed = [self._parse(self._as_requeued(event)) for event in events]
        self._run.prefetch(
            [pair for event, said in parsed if said is not None for pair in links_of(event, said)]
        )
        for event, (requeued, said) in zip(events, parsed, strict=True):
            if said is None:
                # It cannot be read, whatever it is.
                yield PlannedEvent(event=event, outcome=Outcome.FAILED, error="PayloadMalformed")
            else:
                yield replace(self._judge(requeued, said), event=event)
            self.invoice_ids |= self._run.touched
            self.integration_ids |= self._run.touched_integrations

    def _parse(self, event: WebhookEvent) -> tuple[WebhookEvent, StripeEvent | None]:
        try:
            return event, event.parse(self._read_event)
        except PayloadMalformed:
            return event, None

    def _as_requeued(self, event: WebhookEvent) -> WebhookEvent:
        """One that belonged to no integration may belong to one now."""
        if event.integration_id is not None:
            return event
        owner = self._run.integrations.find_by_account(event.account_id)
        return event if owner is None else replace(event, integration_id=owner.id, tenant_id=owner.tenant_id)

    def _judge(self, event: WebhookEvent, said: StripeEvent) -> PlannedEvent:
        self._run.begin()
        try:
            outcome = self._dispatch(self._run.as_unit_of_work, event, said, None, self._now)
        except (StoreUnavailable, NotInDryRun):
            raise
        except Exception as error:
            self._run.undo()
            return PlannedEvent(event=event, outcome=Outcome.FAILED, error=describe_error(error))
        if isinstance(outcome, NeedsRefetch):
            self._unknown.add(
                event, said, is_about_account=event.event_type in self._table.apply_individually
            )
            return PlannedEvent(event=event, outcome=Outcome.UNKNOWN)
        if self._unknown.may_decide(outcome, said):
            self._run.undo()
            self._unknown.invoices |= self._run.touched
            return PlannedEvent(event=event, outcome=Outcome.UNKNOWN)
        if outcome.status is EventStatus.SKIPPED:
            return PlannedEvent(event=event, outcome=Outcome.SKIPPED, skip_reason=outcome.skip_reason)
        return PlannedEvent(event=event, outcome=Outcome.APPLIED)

    def objects(self, tenant_id: str | None) -> list[PlannedObject]:
        """Those that would change, and those of which only Stripe knows; of one tenant, or of all."""
        planned = [self._planned(change) for change in self._run.changes()]
        named = {each.invoice_id for each in planned}
        planned += [
            self._only_unknown(invoice)
            for invoice in map(self._run.invoices.find, sorted(self.invoice_ids - named))
            if invoice is not None and self._unknown.is_about(invoice)
        ]
        planned += [self._unknown_integration(id_) for id_ in sorted(self._unknown.integrations)]
        shown = (each for each in planned if tenant_id in (None, each.tenant_id))
        return sorted(
            (each for each in shown if each.changes or each.is_unknown),
            key=lambda each: (each.invoice_id or 0, _PLACE[each.kind], str(each.stripe_id)),
        )

    def _planned(self, change: HeldChange) -> PlannedObject:
        kind = KIND_OF[type(change.after)]
        invoice_id = change.after.id if isinstance(change.after, Invoice) else change.after.invoice_id
        invoice = self._run.invoices.find(invoice_id)
        assert invoice is not None, "What is held belongs to an invoice."
        return PlannedObject(
            kind=kind,
            id=_id_of(change.after),
            stripe_id=stripe_id_of(change.after),
            tenant_id=invoice.tenant_id,
            invoice_id=invoice_id,
            sales_order_id=invoice.sales_order_id,
            currency=invoice.currency,
            is_new=change.before is None,
            is_unknown=self._unknown.is_about(invoice),
            changes=difference(change.before, change.after),
        )

    def _only_unknown(self, invoice: Invoice) -> PlannedObject:
        return PlannedObject(
            kind=PlannedKind.INVOICE,
            id=invoice.id,
            stripe_id=invoice.stripe_invoice_id,
            tenant_id=invoice.tenant_id,
            invoice_id=invoice.id,
            sales_order_id=invoice.sales_order_id,
            currency=invoice.currency,
            is_unknown=True,
        )

    def _unknown_integration(self, integration_id: int) -> PlannedObject:
        integration = self._run.integrations.find(integration_id)
        assert integration is not None, "It was found by an event of its account."
        return PlannedObject(
            kind=PlannedKind.INTEGRATION,
            id=integration.id,
            stripe_id=integration.account_id,
            tenant_id=integration.tenant_id,
            is_unknown=True,
        )


class _Unknown:
    """What only Stripe could tell, after the events that were judged so far."""

    def __init__(self, run: DryRun) -> None:
        self._run = run
        self.invoices: set[int] = set()
        self.integrations: set[int] = set()
        # Whose payments may turn out to be of any of their invoices; without a customer, of any in the account.
        self._payers: set[tuple[str, str | None]] = set()
        self._accounts: set[str] = set()
        # Accounts that may have locked us out.
        self._access: set[str] = set()

    def add(self, event: WebhookEvent, said: StripeEvent, *, is_about_account: bool) -> None:
        """Stripe has to be asked about this event."""
        self._accounts.add(event.account_id)
        if is_about_account:
            self.integrations |= self._run.touched_integrations
            self._access.add(event.account_id)
        elif self._run.touched:
            self.invoices |= self._run.touched
        elif not said.type.startswith("invoice."):
            self._payers.add((event.account_id, said.customer_id))

    def may_decide(self, outcome: WebhookEvent, said: StripeEvent) -> bool:
        """Whether an event may end otherwise, depending on what Stripe says about those before it."""
        if outcome.skip_reason in _FIRM_SKIPS:
            return False
        if outcome.account_id in self._access:
            return True
        if any(map(self.is_about, map(self._run.invoices.find, self._run.touched))):
            return True
        # A charge by itself is known only once its payment is.
        is_by_charge = said.payment_intent_id is None and said.charge_id is not None
        is_foreign = outcome.skip_reason is SkipReason.FOREIGN_OBJECT
        return is_foreign and is_by_charge and outcome.account_id in self._accounts

    def is_about(self, invoice: Invoice | None) -> bool:
        if invoice is None:
            return False
        account_id, customer_id = invoice.stripe_account_id, invoice.stripe_customer_id
        payers = {(account_id, customer_id), (account_id, None)}
        return (
            invoice.id in self.invoices or account_id in self._access or not payers.isdisjoint(self._payers)
        )


_PLACE = {kind: place for place, kind in enumerate(PlannedKind)}


def _id_of(value: Held) -> int | None:
    """A refund that is not stored has none yet."""
    if isinstance(value, Payment | Dispute):
        return None
    return value.id if value.id > 0 else None


def stripe_id_of(value: Held) -> str | None:
    if isinstance(value, Invoice):
        return value.stripe_invoice_id
    return value.stripe_refund_id if isinstance(value, Refund) else value.stripe_id


def difference(before: Held | None, after: Held) -> tuple[FieldChange, ...]:
    """The fields that differ, as callers see them; of a new object, those that it has."""
    earlier = {} if before is None else shown(before)
    later = {name: value for name, value in shown(after).items() if name not in _NOT_COMPARED}
    return tuple(
        FieldChange(name, earlier.get(name), value)
        for name, value in sorted(later.items())
        if earlier.get(name) != value
    )


# An id that is not given out yet, and the time of writing.
_NOT_COMPARED = frozenset({"id", "updated_at"})


def shown(value: Held) -> dict[str, Any]:
    return _shown_payment(value) if isinstance(value, Payment) else KINDS[type(value)].show(value)


def _shown_payment(payment: Payment) -> dict[str, Any]:
    return {
        "stripe_invoice_payment_id": payment.stripe_id,
        "amount_paid": payment.amount_paid,
        "status": payment.status,
        "method": payment.method,
        "stripe_payment_intent_id": payment.payment_intent_id,
        "stripe_charge_id": payment.charge_id,
        "paid_at": shown_time(payment.paid_at),
        "progress": None if payment.progress is None else payment.progress.value,
        "failure_reason": payment.failure_reason,
    }
