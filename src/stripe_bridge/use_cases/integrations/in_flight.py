"""Money in flight: what may still be paid, refunded or disputed in an account, whether or not we have access to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.intent import Operation
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork

_PAGE_SIZE = 100

Object = TypeVar("Object")


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """`invoices` are drafts, open or uncollectible; `refunds` are reserved, pending or waiting for the customer; `disputes`
    have not ended. `account_id` is the account they are in, None if there never was one. `is_complete`: these are all.
    """

    account_id: str | None
    invoices: tuple[Invoice, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    is_complete: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """How many there are, for each kind that has any."""
        kinds = {"invoices": self.invoices, "refunds": self.refunds, "disputes": self.disputes}
        return {kind: len(found) for kind, found in kinds.items() if found}


class ListInFlight:
    """What an integration has in flight, connected or not; of each kind `at_most` so many. Raises IntegrationNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, tenant_id: str, integration_id: int, at_most: int | None = None) -> InFlight:
        with self._store.reading() as work:
            account_id = work.integrations.get(tenant_id, integration_id).account_id
            if account_id is None:
                return InFlight(account_id=None)

            # Another integration may have been joined to the same account before or since.
            def is_own(invoice_id: int) -> bool:
                invoice = work.invoices.find(invoice_id)
                return invoice is not None and invoice.integration_id == integration_id

            stored = work.reconciliations
            invoices = _all(lambda last: stored.invoices(account_id, last.id if last else 0, _PAGE_SIZE))
            refunds = _all(lambda last: stored.refunds(account_id, last.id if last else 0, _PAGE_SIZE))
            disputes = _all(
                lambda last: stored.disputes(account_id, last.stripe_id if last else "", _PAGE_SIZE)
            )
            kinds = (
                _first(at_most, (each for each in invoices if each.integration_id == integration_id)),
                _first(at_most, _own_refunds(work, integration_id, refunds, is_own)),
                _first(at_most, (each for each in disputes if is_own(each.invoice_id))),
            )
            (own_invoices, _), (own_refunds, _), (own_disputes, _) = kinds
            return InFlight(
                account_id=account_id,
                invoices=own_invoices,
                refunds=own_refunds,
                disputes=own_disputes,
                is_complete=all(is_all for _, is_all in kinds),
            )


def _first(at_most: int | None, found: Iterator[Object]) -> tuple[tuple[Object, ...], bool]:
    """The first so many, and whether these are all."""
    taken = tuple(islice(found, at_most))
    return taken, at_most is None or next(found, None) is None


def _own_refunds(
    work: UnitOfWork, integration_id: int, refunds: Iterator[Refund], is_own: Callable[[int], bool]
) -> Iterator[Refund]:
    yield from _reserved(work, integration_id)
    yield from (each for each in refunds if is_own(each.invoice_id))


def _all(page_after: Callable[[Object | None], Sequence[Object]]) -> Iterator[Object]:
    last: Object | None = None
    while page := page_after(last):
        yield from page
        last = page[-1]


def _reserved(work: UnitOfWork, integration_id: int) -> Iterator[Refund]:
    """Refunds that were or will be requested, and that Stripe has not shown yet."""
    for intent in work.intents.unsettled_of_integration(integration_id):
        if intent.operation is Operation.REFUND:
            refund = work.refunds.find(intent.parameters["refund"])
            if refund is not None and refund.stripe_refund_id is None:
                yield refund
