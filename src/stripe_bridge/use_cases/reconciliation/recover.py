"""Recovering an account after a restore: everything that was made for us there since a date is known here again.

The order matters. Intents and invoices that are known get Stripe's state first, so that an order's invoice that ended in the
meantime makes room for the one that followed it. Refunds and disputes come last, since they belong to invoices.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.provenance import Provenance
from stripe_bridge.domain.reconciliation import Drift, ReconcileProgress
from stripe_bridge.domain.recovery import (
    EVERYONE,
    GIVEN_UP,
    ID_MARGIN,
    HighestIds,
    RecoveryHold,
    is_held,
)
from stripe_bridge.domain.stripe_objects import ListedInvoice
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable, UnitOfWork
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError, ObjectMissing
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.stripe.refunds import RefundGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.changes.resume import begin_history
from stripe_bridge.use_cases.intents.resolve import resume_waiting_intents
from stripe_bridge.use_cases.intents.settle import SettleIntent
from stripe_bridge.use_cases.reconciliation.sweep import Progress, SweepKind
from stripe_bridge.use_cases.records.adopt import (
    AdoptInvoice,
    DetectRestore,
    OrderBusy,
    hold_sends,
    ids_of,
    is_lost,
)
from stripe_bridge.use_cases.records.invoices import RecordInvoice, find_invoice, lock_invoice
from stripe_bridge.use_cases.records.ledger import RefundLedger
from stripe_bridge.use_cases.records.signed_metadata import SignedMetadata

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Everything that was made since then is looked at. `adopt_unsigned`: also what a release made that did not sign yet."""

    since: datetime
    adopt_unsigned: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """An invoice that says that it is ours."""

    listed: ListedInvoice
    made: Provenance


class RecoverAccount:
    """Take in what a connected integration's account has and we do not. What cannot be taken in is a fault and stops nothing.

    Raises AccessRevoked, StoreUnavailable; and GatewayError if Stripe does not list.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        invoices: InvoiceGateway,
        refunds: RefundGateway,
        settle: SettleIntent,
        sweep_invoices: SweepKind[Invoice],
        ledger: RefundLedger,
        signed: SignedMetadata,
    ) -> None:
        self._store, self._clock, self._settle, self._signed = store, clock, settle, signed
        self._invoices, self._refunds = invoices, refunds
        self._sweep_invoices, self._ledger = sweep_invoices, ledger
        self._adopt, self._detect = AdoptInvoice(clock), DetectRestore(clock, signed)
        self._record = RecordInvoice(clock)

    def __call__(
        self,
        integration: Integration,
        account_id: str,
        recovery: Recovery,
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
        report_progress: Progress,
    ) -> None:
        since = recovery.since
        unpaid: list[str] = []
        found = self._list(
            integration, account_id, since, renew_lease, unpaid, adopt_unsigned=recovery.adopt_unsigned
        )
        report_progress(f"{sum(map(len, found.values()))} invoices at Stripe that are not known here")
        if self._hold_if_lost(integration, account_id, found):
            self._settle_intents(account_id, progress, renew_lease)
        self._sweep_invoices(account_id, progress, renew_lease)
        for group in found.values():
            renew_lease()
            self._take_in(account_id, group, progress)
        self._forget_deleted(account_id, progress)
        unpaid += [each.listed.invoice.id for each in _each(found) if _is_paid(each.listed)]
        self._fetch_payments(account_id, unpaid, progress, renew_lease)
        self._record_refunds(account_id, since, progress, renew_lease)
        self._record_disputes(account_id, since, progress, renew_lease)
        report_progress(f"{progress.drift[Drift.ADOPTED]} invoices adopted")

    def begin_history(self, integration_id: int) -> None:
        """Before the release: whoever holds the history from before the restore is to notice."""
        with self._store.writing() as work:
            integration = work.integrations.find(integration_id)
            if integration is not None:
                begin_history(work, integration.tenant_id)
                work.commit()

    def release(self, work: UnitOfWork, integration: Integration, account_id: str) -> None:
        """The account is reconciled: what waited for that goes on."""
        now = self._clock.now()
        work.recoveries.release(integration.tenant_id, account_id, now)
        resume_waiting_intents(work, account_id, now)

    def _list(
        self,
        integration: Integration,
        account_id: str,
        since: datetime,
        renew_lease: Callable[[], None],
        unpaid: list[str],
        *,
        adopt_unsigned: bool,
    ) -> Mapping[str, Sequence[_Found]]:
        """The invoices that are ours and not known here, by their reference, oldest first; about two kilobytes each. `unpaid`
        gets the ids of those that are known, but whose payments are not: a run that adopted them was killed.
        """
        found: list[_Found] = []
        for page in self._invoices.invoices_since(account_id, since):
            renew_lease()
            with self._store.writing() as work:
                for listed in page:
                    made = self._signed.invoice(account_id, listed.invoice)
                    if made is None and adopt_unsigned:
                        made = self._signed.unsigned_invoice(integration, listed.invoice)
                    if made is None:
                        self._detect.note_key(work, listed.invoice.id, listed.invoice)
                    elif (known := find_invoice(work, account_id, listed.invoice.id)) is None:
                        found.append(_Found(listed, made))
                    elif _is_paid(listed) and known.amount_collected < listed.invoice.amount_paid:
                        unpaid.append(listed.invoice.id)
                work.commit()
        by_reference: dict[str, list[_Found]] = defaultdict(list)
        for each in reversed(found):
            by_reference[each.made.reference].append(each)
        return by_reference

    def _hold_if_lost(
        self, integration: Integration, account_id: str, found: Mapping[str, Sequence[_Found]]
    ) -> bool:
        """Hold the tenant's sends if any of the invoices was lost. Whether they are held, for whatever reason."""
        seen = HighestIds()
        for each in _each(found):
            seen = seen.beside(ids_of(each.made))
        with self._store.writing() as work:
            lost = next(
                (
                    each.listed.invoice.id
                    for each in _each(found)
                    if is_lost(work, account_id, each.listed.invoice.id, each.made)
                ),
                None,
            )
            if lost is not None:
                hold = RecoveryHold(
                    tenant_id=integration.tenant_id,
                    account_id=account_id,
                    held_at=self._clock.now(),
                    stripe_invoice_id=lost,
                )
                hold_sends(work, hold, seen)
            _keep_ids_apart(work, seen)
            held = is_held(work.recoveries.holds_of(integration.tenant_id), account_id)
            work.commit()
        return held

    def _settle_intents(
        self, account_id: str, progress: ReconcileProgress, renew_lease: Callable[[], None]
    ) -> None:
        """See at Stripe what became of the calls that were under way when the backup was made."""
        with self._store.writing() as work:
            resume_waiting_intents(work, account_id, self._clock.now())
            work.commit()
        settled: set[int] = set()
        # What is found plans what follows from it.
        while to_settle := [each.id for each in self._unsettled(account_id) if each.id not in settled]:
            for intent_id in to_settle:
                renew_lease()
                self._settle(intent_id)
            settled.update(to_settle)
        for intent in self._unsettled(account_id):
            if intent.operation in GIVEN_UP:
                progress.faults.append(f"intent {intent.id}: {intent.last_error or 'being settled'}")

    def _unsettled(self, account_id: str) -> Sequence[Intent]:
        with self._store.reading() as work:
            return work.intents.unsettled_in_account(account_id)

    def _take_in(self, account_id: str, group: Sequence[_Found], progress: ReconcileProgress) -> None:
        """Invoices that have the same reference: one of them is ours, the others are copies of it or replace it."""
        originals = [each for each in group if each.listed.revises is None]
        try:
            if len(originals) > 1:
                self._set_aside(account_id, originals, progress)
            elif originals:
                self._adopt_one(account_id, originals[0], progress)
            else:
                self._check_revision(account_id, group[0], progress)
        except StoreUnavailable:
            raise
        except OrderBusy:
            progress.faults.append(f"invoice {group[0].listed.invoice.id}: its order is being sent right now")
        except Exception as error:
            progress.faults.append(_describe(f"invoice {group[0].listed.invoice.id}", error))

    def _adopt_one(self, account_id: str, found: _Found, progress: ReconcileProgress) -> None:
        with self._store.writing() as work:
            drift = self._adopt(work, account_id, found.listed, found.made)
            work.commit()
        if drift is not None:
            progress.drift[drift] += 1

    def _set_aside(self, account_id: str, copies: Sequence[_Found], progress: ReconcileProgress) -> None:
        first, *others = copies
        with self._store.writing() as work:
            for one, other in [(first, others[0]), *((each, first) for each in others)]:
                ids = one.listed.invoice.id, other.listed.invoice.id
                self._adopt.set_aside(work, account_id, *ids, one.made, Drift.COPIED_REFERENCE)
            work.commit()
        progress.drift[Drift.COPIED_REFERENCE] += len(others)

    def _check_revision(self, account_id: str, found: _Found, progress: ReconcileProgress) -> None:
        """An invoice that replaces one of ours is looked at whenever the order is sent again; but ours has to be known."""
        with self._store.reading() as work:
            revises = found.listed.revises or ""
            is_known = work.links.find_invoice_id(account_id, revises) is not None
        if not is_known:
            progress.faults.append(
                f"invoice {found.listed.invoice.id}: it replaces {revises}, which is not known: try an earlier date"
            )

    def _forget_deleted(self, account_id: str, progress: ReconcileProgress) -> None:
        """A draft that was left to an operator may have been deleted since, which no list shows."""
        with self._store.reading() as work:
            unresolved = [
                each.stripe_invoice_id for each in work.recoveries.unresolved_in_account(account_id)
            ]
        for stripe_id in unresolved:
            try:
                self._invoices.invoice(account_id, stripe_id)
            except ObjectMissing:
                with self._store.writing() as work:
                    work.recoveries.resolve(account_id, stripe_id)
                    work.commit()
            except AccessRevoked:
                raise
            except GatewayError as error:
                progress.faults.append(_describe(f"invoice {stripe_id}", error))

    def _fetch_payments(
        self,
        account_id: str,
        stripe_ids: Sequence[str],
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
    ) -> None:
        """The list shows that something was paid, but not by which charge."""
        for stripe_id in stripe_ids:
            renew_lease()
            try:
                self._fetch_payments_of(account_id, stripe_id)
            except (AccessRevoked, StoreUnavailable):
                raise
            except Exception as error:
                progress.faults.append(_describe(f"payments of invoice {stripe_id}", error))

    def _fetch_payments_of(self, account_id: str, stripe_id: str) -> None:
        with self._store.reading() as work:
            invoice = find_invoice(work, account_id, stripe_id)
        if invoice is None:
            return
        payments = self._invoices.payments_of(account_id, stripe_id)
        with self._store.writing() as work:
            self._record.record_payments(work, lock_invoice(work, invoice), payments)
            work.commit()

    def _record_refunds(
        self,
        account_id: str,
        since: datetime,
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
    ) -> None:
        for seen in self._refunds.refunds_since(account_id, since):
            renew_lease()
            try:
                with self._store.writing() as work:
                    invoice = find_invoice(work, account_id, seen.payment_intent_id, seen.charge_id)
                    if invoice is None:
                        continue
                    made = self._signed.refund(account_id, seen)
                    if made is not None:
                        _keep_ids_apart(work, ids_of(made))
                    self._ledger.record_refund(work, lock_invoice(work, invoice), seen, may_be_late=True)
                    work.commit()
            except StoreUnavailable:
                raise
            except Exception as error:
                progress.faults.append(_describe(f"refund {seen.id}", error))

    def _record_disputes(
        self,
        account_id: str,
        since: datetime,
        progress: ReconcileProgress,
        renew_lease: Callable[[], None],
    ) -> None:
        for seen in self._refunds.disputes_since(account_id, since):
            renew_lease()
            try:
                with self._store.writing() as work:
                    invoice = find_invoice(work, account_id, seen.payment_intent_id, seen.charge_id)
                    if invoice is not None:
                        self._ledger.record_dispute(work, lock_invoice(work, invoice), seen)
                        work.commit()
            except StoreUnavailable:
                raise
            except Exception as error:
                progress.faults.append(_describe(f"dispute {seen.id}", error))


class EndRecovery:
    """Release what is not held for a single account: each connected one has been reconciled since the restore, or there was
    none."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> None:
        with self._store.writing() as work:
            for hold in work.recoveries.open_holds():
                if hold.account_id == EVERYONE:
                    work.recoveries.release(hold.tenant_id, hold.account_id, self._clock.now())
            work.commit()


def _each(found: Mapping[str, Sequence[_Found]]) -> Iterator[_Found]:
    for group in found.values():
        yield from group


def _is_paid(listed: ListedInvoice) -> bool:
    """Whether it may have a payment."""
    return listed.invoice.finalized_at is not None and listed.invoice.voided_at is None


def _keep_ids_apart(work: UnitOfWork, seen: HighestIds) -> None:
    """An id that is at Stripe was given out, whatever this database knows of it."""
    given = work.recoveries.given_ids()
    if given.beside(seen) != given:
        work.recoveries.raise_ids(seen, ID_MARGIN)


def _describe(name: str, error: Exception) -> str:
    if isinstance(error, GatewayError):
        return f"{name}: {error.reason}"
    if isinstance(error, BridgeError):
        return f"{name}: {error.message}"
    _log.warning("object could not be recovered", extra={"object": name}, exc_info=error)
    return f"{name}: {type(error).__name__}"
