"""What the doctor checks about settlements: invoices for which Stripe showed less than an event had said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from stripe_bridge.domain.finding import Finding, counted
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock

# Long enough to be seen. What was left as it is is compared again, and so found, until it is resolved.
_SHOWN_FOR = timedelta(days=7)
_MAX_INVOICES = 100
_MAX_IDS = 10


class DiagnoseSettlements:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def __call__(self) -> Iterator[Finding]:
        since = self._clock.now() - _SHOWN_FOR
        with self._store.reading() as work:
            found = work.reconciliations.contradicted_since(since, _MAX_INVOICES)
        if left := [invoice for invoice in found if invoice.is_contradicted]:
            what = f"{_named(left)} more settled here than at Stripe, or ended only here; not corrected"
            remedy = (
                "see `invoice contradicted by Stripe` in the logs; in Stripe's Dashboard or here, end the invoices"
                " that should not bill their order"
            )
            yield Finding.error("settlements", what, remedy)
        if corrected := [invoice for invoice in found if not invoice.is_contradicted]:
            what = f"{_named(corrected)} corrected in the last week: an event claimed more than Stripe showed"
            remedy = (
                "stripe-bridge invoices activity ID shows the events; if Stripe does not have one of them, its sender "
                "knows a signing secret: delete the endpoint in Stripe's Dashboard, then: stripe-bridge receivers register"
            )
            yield Finding.warning("settlements", what, remedy)


def _named(invoices: Sequence[Invoice]) -> str:
    """The number of invoices, and some of their ids."""
    ids = ", ".join(str(invoice.id) for invoice in invoices[:_MAX_IDS])
    more = ", …" if len(invoices) > _MAX_IDS else ""
    return f"{counted(len(invoices), 'invoice')} ({ids}{more})"
