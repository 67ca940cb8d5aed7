"""What the doctor checks about restores: whose sends are held, which invoices are unresolved, which keys are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stripe_bridge.domain.finding import Finding, for_tenant
from stripe_bridge.domain.reconciliation import Drift
from stripe_bridge.domain.recovery import RecoveryHold, SigningKey, UnresolvedInvoice
from stripe_bridge.ports.signer import Signer
from stripe_bridge.ports.storage.unit_of_work import Store


class DiagnoseRecovery:
    def __init__(self, store: Store, signer: Signer) -> None:
        self._store, self._signer = store, signer

    def __call__(self, *, is_key_wrong: bool) -> Iterator[Finding]:
        """With a wrong encryption key nothing could be said about the keys of signatures."""
        with self._store.reading() as work:
            holds = work.recoveries.open_holds()
            unresolved = work.recoveries.all_unresolved()
            keys = work.recoveries.signing_keys()
        if not is_key_wrong:
            yield from self._missing_keys(keys)
        for hold in holds:
            yield _held(hold)
        for invoice in unresolved:
            yield _unresolved(invoice)

    def _missing_keys(self, keys: Sequence[SigningKey]) -> Iterator[Finding]:
        for key in keys:
            if not self._signer.has_key(key.fingerprint):
                where = f", such as {key.stripe_id}" if key.stripe_id else ""
                yield Finding.warning(
                    f"key {key.fingerprint}",
                    f"no configured key verifies what it signed at Stripe{where}",
                    "put the key that has this fingerprint into RETIRED_ENCRYPTION_KEYS",
                )


def _held(hold: RecoveryHold) -> Finding:
    if hold.is_for_everyone:
        remedy = "stripe-bridge reconcile --since DATE, with a date before the backup was made"
        return Finding.error("all tenants", "sends are held: the database was restored", remedy)
    if hold.stripe_invoice_id is None:
        return Finding.error(
            f"tenant {hold.tenant_id}",
            "sends are held: a reader of its changes holds other changes than the database, which was restored or altered",
            "stripe-bridge reconcile --since DATE, with a date before the backup was made; if the reader is wrong, "
            f"fix it, then: {for_tenant('stripe-bridge changes resume', hold.tenant_id)}",
        )
    return Finding.error(
        f"tenant {hold.tenant_id}",
        f"sends are held: {hold.account_id} has {hold.stripe_invoice_id}, which this service created and the database lost",
        "stripe-bridge reconcile --since DATE, with a date before the backup was made",
    )


def _unresolved(invoice: UnresolvedInvoice) -> Finding:
    subject = f"order {invoice.sales_order_id} of tenant {invoice.tenant_id}"
    ids = f"{invoice.other_stripe_invoice_id} and {invoice.stripe_invoice_id}"
    what = (
        f"is billed twice, by {ids}"
        if invoice.cause is Drift.BILLED_TWICE
        else f"has two invoices with one reference, {ids}: one is a copy"
    )
    remedy = "void or delete the wrong one in Stripe's dashboard, then: stripe-bridge reconcile --since DATE"
    return Finding.error(subject, f"{what}; its sends are held", remedy)
