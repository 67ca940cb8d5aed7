"""Examining calls to Stripe that were refused for good, and accounts that were disconnected with money in flight."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from stripe_bridge.domain.finding import Finding, Fix
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import Intent, IntentState, Operation
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock

# By then most of what was in flight has ended, and a merchant who left no longer needs daily attention.
_FOLLOWED = timedelta(days=90)
_UNDOING = frozenset({Operation.SEND, Operation.VOID, Operation.DELETE_DRAFT})
_PAGE = 100
_NAMED = 10


class InFlight(Protocol):
    @property
    def counts(self) -> Mapping[str, int]: ...


class DiagnoseIntents:
    """What a refusal left undone, for as long as it is; and what is in flight where we can no longer see it."""

    def __init__(
        self, store: Store, clock: Clock, events: EventGateway, track: Callable[[str, int], InFlight]
    ) -> None:
        self._store, self._clock, self._events, self._track = store, clock, events, track

    def __call__(self) -> Iterator[Finding]:
        yield from self._undone()
        yield from self._still_in()
        yield from self._left()

    def _undone(self) -> Iterator[Finding]:
        with self._store.reading() as work:
            refused = {
                intent.invoice_id: intent for intent in reversed(_failed(work, _UNDOING)) if intent.invoice_id
            }
            pending = [
                (invoice, intent)
                for id_, intent in refused.items()
                if (invoice := work.invoices.find(id_)) and not work.intents.is_unsettled_for(id_)
            ]
            drafts = [(each, why) for each, why in pending if each.status is InvoiceStatus.DRAFT]
            homes = {each.integration_id: work.integrations.find(each.integration_id) for each, _ in drafts}
        opened = [(each, why) for each, why in pending if each.status is InvoiceStatus.OPEN]
        unsent = [(each, why) for each, why in opened if each.sent_at is None]
        unvoided = [
            each for each in opened if each[0].sent_at is not None and each[1].operation is Operation.VOID
        ]
        for integration_id, home in homes.items():
            own = [each for each in drafts if each[0].integration_id == integration_id]
            yield _of_drafts(home, own)
        if unsent:
            what = "payable at Stripe, though neither emailed nor undone"
            remedy = (
                "flask invoices void ID --tenant T, and send the order again; "
                "or give the customer its hosted_invoice_url"
            )
            yield Finding.error("invoices", _named(unsent, what), remedy)
        if unvoided:
            what = "payable at Stripe, which refused the void"
            remedy = "void it in Stripe's Dashboard, or wait for the payment"
            yield Finding.warning("invoices", _named(unvoided, what), remedy)

    def _still_in(self) -> Iterator[Finding]:
        """Accounts that we were told to leave, where Stripe refused to end our access and still lets us in."""
        with self._store.reading() as work:
            refused = reversed(_failed(work, frozenset({Operation.DEAUTHORIZE})))
            failed = {intent.account_id: intent for intent in refused}
            left = [
                intent
                for account_id, intent in failed.items()
                if (holder := work.integrations.find_by_account(account_id)) is None or not holder.connected
            ]
        for intent in left:
            if self._lets_us_in(intent.account_id):
                yield Finding.error(
                    f"integration {intent.integration_id}",
                    f"Stripe refused to end our access to {intent.account_id}: {intent.last_error}",
                    "the merchant can end it in Stripe's Dashboard, under installed applications",
                )

    def _lets_us_in(self, account_id: str) -> bool:
        try:
            next(iter(self._events.pages_since(account_id, self._clock.now())), None)
        except AccessRevoked:
            return False
        except GatewayError:
            return True
        return True

    def _left(self) -> Iterator[Finding]:
        with self._store.reading() as work:
            since = self._clock.now() - _FOLLOWED
            left = [work.integrations.find(id_) for id_ in work.reconciliations.disconnected_since(since)]
            unseen = [each for each in left if each is not None and not _is_followed(work, each)]
        for integration in unseen:
            counts = self._track(integration.tenant_id, integration.id).counts
            if counts:
                told = ", ".join(f"{number} {kind}" for kind, number in counts.items())
                see = f"flask integrations in-flight {integration.id} --tenant {integration.tenant_id}"
                yield Finding.warning(
                    f"integration {integration.id}",
                    f"{integration.account_id} was disconnected with {told} in flight, which we no longer see",
                    f"{see}; the merchant can deal with it in Stripe's Dashboard, or authorize again",
                )


def _is_followed(work: UnitOfWork, integration: Integration) -> bool:
    """Whether another integration has joined the account since: reconciling then covers everything in it."""
    holder = work.integrations.find_by_account(integration.account_id or "")
    return holder is not None and holder.connected


def _of_drafts(home: Integration | None, drafts: Sequence[tuple[Invoice, Intent]]) -> Finding:
    what = _named(drafts, "left as drafts by a failed send, still holding their orders")
    if home is None or not home.connected:
        return Finding.warning("invoices", what, "authorize the integration again")
    remedy = f"flask reconcile --integration {home.id}"
    return Finding.warning("invoices", what, remedy, fix=Fix.RECONCILE, integration_id=home.id)


def _named(found: Sequence[tuple[Invoice, Intent]], what: str) -> str:
    ids = ", ".join(str(invoice.id) for invoice, _ in found[:_NAMED])
    more = ", …" if len(found) > _NAMED else ""
    return f"{len(found)} {what} ({ids}{more}): {found[0][1].last_error}"


def _failed(work: UnitOfWork, operations: frozenset[Operation]) -> list[Intent]:
    """Newest first."""
    found: list[Intent] = []
    matching = IntentFilter(states=frozenset({IntentState.FAILED}), operations=operations)
    request: PageRequest | None = PageRequest(per_page=_PAGE)
    while request is not None:
        page = work.intents.page(matching, request)
        found += page.items
        cursor = page.next_cursor
        request = None if cursor is None else PageRequest.of(page=None, per_page=_PAGE, cursor=cursor)
    return found
