"""What the doctor checks about refunds: whether one was made twice."""

from __future__ import annotations

from collections.abc import Iterator

from stripe_bridge.domain.finding import Finding, for_tenant
from stripe_bridge.domain.money import written
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.use_cases.refunds.duplicates import find_duplicates


class DiagnoseRefunds:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Iterator[Finding]:
        with self._store.reading() as work:
            found = find_duplicates(work)
        for first, second in found:
            yield _made_twice(first, second)


def _made_twice(first: Refund, second: Refund) -> Finding:
    what = (
        f"invoice {second.invoice_id} was refunded twice for one request: {first.stripe_refund_id} and "
        f"{second.stripe_refund_id} have the same reference at Stripe; the second is for "
        f"{written(second.amount, second.currency)}"
    )
    remedy = (
        "look at both in Stripe's Dashboard; settle the excess with the customer, since the order owes that amount again; "
        "then: " + for_tenant(f"stripe-bridge refunds accept-duplicate {second.id}", second.tenant_id)
    )
    return Finding.error(f"refund {second.id} of tenant {second.tenant_id}", what, remedy)
