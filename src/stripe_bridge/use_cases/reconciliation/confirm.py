"""Confirming: reading at Stripe what only an event has said of an invoice, since an event may be wrong or forged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.settlement import delay_after
from stripe_bridge.ports.metrics import Metrics
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.system import Clock, never_stopping
from stripe_bridge.use_cases.records.refetch import RefetchInvoices, concerns_all

_log = logging.getLogger(__name__)
BATCH_SIZE = 25
LEASE = timedelta(minutes=2)


class ConfirmSettlements:
    """Read a batch of the invoices at Stripe that are due to be confirmed. Returns how many were due.

    Once `is_stopping`, no further one is read: those that were claimed are due for others at once. What cannot be read now is
    read later; until then it counts as the event said, and shows as unconfirmed.
    """

    def __init__(self, store: Store, clock: Clock, refetch: RefetchInvoices, metrics: Metrics) -> None:
        self._store, self._clock, self._refetch, self._metrics = store, clock, refetch, metrics

    def __call__(self, is_stopping: Callable[[], bool] = never_stopping) -> int:
        claimed, unreachable = self._claim()
        until = self._clock.now() + LEASE
        for number, invoice in enumerate(claimed):
            if is_stopping() or self._clock.now() >= until:
                self._release(claimed[number:])
                break
            if invoice.stripe_account_id in unreachable:
                self._postpone(invoice)
            elif not self._confirm(invoice):
                unreachable.add(invoice.stripe_account_id)
        return len(claimed)

    def _claim(self) -> tuple[Sequence[Invoice], set[str]]:
        """A batch, and those of its accounts to which we have no access."""
        now = self._clock.now()
        with self._store.writing() as work:
            claimed = work.reconciliations.claim_unconfirmed(now, now + LEASE, BATCH_SIZE)
            accounts = {invoice.stripe_account_id for invoice in claimed}
            holders = {account: work.integrations.find_by_account(account) for account in accounts}
            work.commit()
        return claimed, {each for each, holder in holders.items() if holder is None or not holder.connected}

    def _confirm(self, invoice: Invoice) -> bool:
        """Whether it is worth going on with others of the account."""
        try:
            drift = self._refetch.refetch(invoice)
        except StoreUnavailable:
            raise
        except StaleWrite:
            # Another process is changing it; it is due again when the lease ends.
            return True
        except Exception as error:
            self._postpone(invoice)
            reason = error.reason if isinstance(error, GatewayError) else type(error).__name__
            _log.warning(
                "settlement not confirmed",
                extra={"invoice_id": invoice.id, "account_id": invoice.stripe_account_id, "reason": reason},
                exc_info=None if isinstance(error, BridgeError) else error,
            )
            return not (isinstance(error, GatewayError) and concerns_all(error))
        if drift is Drift.OBJECT_MISSING:
            facts = {
                "account_id": invoice.stripe_account_id,
                "object": f"invoice {invoice.stripe_invoice_id}",
            }
            _log.warning("object missing at Stripe", extra=facts)
        if drift is not None:
            self._metrics.drift(drift)
        return True

    def _postpone(self, invoice: Invoice) -> None:
        now = self._clock.now()
        with self._store.writing() as work:
            work.reconciliations.postpone_confirmation(invoice, now + delay_after(now - invoice.updated_at))
            work.commit()

    def _release(self, claimed: Sequence[Invoice]) -> None:
        with self._store.writing() as work:
            for invoice in claimed:
                work.reconciliations.postpone_confirmation(invoice, self._clock.now())
            work.commit()
