"""Renewing the links of an invoice that is shown: they expire, and the sweep may not have come to it yet."""

from __future__ import annotations

import logging

from stripe_bridge.domain.errors.conflicts import StaleWrite
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable
from stripe_bridge.ports.stripe.errors import GatewayError
from stripe_bridge.ports.stripe.invoices import InvoiceGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.records.invoices import RecordInvoice, lock_invoice

_log = logging.getLogger(__name__)


class RenewLinks:
    """The invoice with links that last, or as it is stored if there are none to be had: a read never fails for them.

    Stripe is asked for an invoice at most once an hour, whichever process shows it.
    """

    def __init__(self, store: Store, clock: Clock, gateway: InvoiceGateway, record: RecordInvoice) -> None:
        self._store, self._clock, self._gateway, self._record = store, clock, gateway, record

    def __call__(self, invoice: Invoice) -> Invoice:
        if not invoice.may_ask_for_links(self._clock.now()):
            return invoice
        try:
            return self._renew(invoice)
        except (GatewayError, StaleWrite, StoreUnavailable) as error:
            reason = error.reason if isinstance(error, GatewayError) else type(error).__name__
            _log.info("invoice links not renewed", extra={"invoice_id": invoice.id, "reason": reason})
            return invoice

    def _renew(self, invoice: Invoice) -> Invoice:
        """The request is noted before it is made: a Stripe that does not answer is not asked again by the next reader."""
        with self._store.writing() as work:
            current = work.invoices.find(invoice.id, lock=True)
            holder = work.integrations.find_by_account(invoice.stripe_account_id)
            has_access = holder is not None and holder.connected
            if current is None or not has_access or not current.may_ask_for_links(self._clock.now()):
                return current or invoice
            work.invoices.save(current.ask_for_links(self._clock.now()))
            work.commit()
        snapshot = self._gateway.invoice(
            invoice.stripe_account_id, str(invoice.stripe_invoice_id), quickly=True
        )
        with self._store.writing() as work:
            renewed = self._record.renew_links(work, lock_invoice(work, invoice), snapshot)
            work.commit()
        return renewed
