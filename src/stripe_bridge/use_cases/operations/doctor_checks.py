"""What the doctor checks about receivers and about calls to Stripe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from stripe_bridge.domain.finding import Finding, Fix, counted, for_tenant
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.intent import UNSETTLED, Intent, IntentState, Operation
from stripe_bridge.domain.invoice import Invoice, InvoiceStatus
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.ports.storage.intents import IntentFilter
from stripe_bridge.ports.storage.unit_of_work import Store, UnitOfWork
from stripe_bridge.ports.stripe.errors import AccessRevoked, GatewayError
from stripe_bridge.ports.stripe.events import EventGateway
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.integrations.in_flight import ListInFlight
from stripe_bridge.use_cases.receivers.check import CheckReceivers

UNSETTLED_TOO_LONG = timedelta(hours=1)
# By then most of what was in flight has ended, and a merchant who left no longer needs daily attention.
_FOLLOW_UP_PERIOD = timedelta(days=90)
_UNDO_OPERATIONS = frozenset({Operation.SEND, Operation.VOID, Operation.DELETE_DRAFT})
_PAGE_SIZE = 100
_MAX_IDS = 10


class DiagnoseReceivers:
    """What is wrong with the platform's endpoints, and with those in an integration's account."""

    def __init__(self, check: CheckReceivers, *, has_extra_secrets: bool) -> None:
        self._check, self._has_extra_secrets = check, has_extra_secrets

    def of_platform(self, *, is_key_wrong: bool) -> Iterator[Finding]:
        """With the wrong key, that a secret cannot be opened says nothing about the endpoint."""
        try:
            statuses = self._check()
        except GatewayError as error:
            yield Finding.error(
                "stripe", error.reason, "check STRIPE_SECRET_KEY and the connection to Stripe, then try again"
            )
            return
        if is_key_wrong:
            statuses = [replace(status, is_secret_unreadable=False) for status in statuses]
        extra = self._has_extra_secrets
        by_hand = [each for each in statuses if each.is_made_by_hand(has_extra_secrets=extra)]
        if by_hand:
            what = "endpoints created by hand (STRIPE_WEBHOOK_SECRETS) cannot be checked from here"
            yield Finding.note(
                "receivers", what, "check them in Stripe's Dashboard, or: stripe-bridge receivers register"
            )
        for status in statuses:
            if status.problems and status not in by_hand:
                yield Finding.error(
                    f"{status.kind.value} receiver {status.endpoint_id or ''}".strip(),
                    "; ".join(status.problems),
                    "stripe-bridge receivers register",
                    fix=Fix.REGISTER_RECEIVERS,
                )

    def of_integration(self, integration: Integration) -> Iterator[Finding]:
        """That Stripe is unreachable, or our access to the account was revoked, is reported elsewhere."""
        if integration.stripe_account_id is None:
            return
        try:
            statuses = self._check.of_integration(integration.id, integration.stripe_account_id)
        except AccessRevoked:
            return
        except GatewayError as error:
            what = f"its own receiver could not be checked: {error.reason}"
            yield Finding.warning(f"integration {integration.id}", what, "try again later")
            return
        for status in statuses:
            if status.problems:
                yield Finding.error(
                    f"integration {integration.id}, its own receiver {status.endpoint_id}",
                    "; ".join(status.problems),
                    "stripe-bridge doctor --fix",
                    fix=Fix.REPAIR_RECEIVERS,
                    integration_id=integration.id,
                )


class DiagnoseIntents:
    """Calls that do not settle; what a refusal left behind, for as long as it matters; and what was in flight in accounts
    that have been disconnected."""

    def __init__(self, store: Store, clock: Clock, events: EventGateway, in_flight: ListInFlight) -> None:
        self._store, self._clock, self._events, self._in_flight = store, clock, events, in_flight

    def __call__(self) -> Iterator[Finding]:
        yield from self._unsettled()
        yield from self._failed_undo()
        yield from self._access_not_revoked()
        yield from self._in_flight_after_disconnect()

    def _unsettled(self) -> Iterator[Finding]:
        long_ago = self._clock.now() - UNSETTLED_TOO_LONG
        with self._store.reading() as work:
            unsettled = _all(work, IntentFilter(states=UNSETTLED))
        if old := [intent for intent in unsettled if intent.created_at < long_ago]:
            oldest = old[-1]
            what = (
                f"{counted(len(old), 'call')} to Stripe unsettled for more than an hour; "
                f"intent {oldest.id}: {oldest.last_error or 'never tried'}"
            )
            remedy = "stripe-bridge intents list; stripe-bridge intents resolve --all-due"
            yield Finding.warning("intents", what, remedy, fix=Fix.RESOLVE_INTENTS)

    def _failed_undo(self) -> Iterator[Finding]:
        """Invoices that a failed send or void left as they should not stay."""
        with self._store.reading() as work:
            refused = {
                intent.invoice_id: intent
                for intent in reversed(_failed(work, _UNDO_OPERATIONS))
                if intent.invoice_id
            }
            pending = [
                (invoice, intent)
                for id_, intent in refused.items()
                if (invoice := work.invoices.find(id_)) and not work.intents.is_unsettled_for(id_)
            ]
            drafts = [(each, why) for each, why in pending if each.status is InvoiceStatus.DRAFT]
            homes = {each.integration_id: work.integrations.find(each.integration_id) for each, _ in drafts}
        payable = [(each, why) for each, why in pending if each.status is InvoiceStatus.OPEN]
        for integration_id, home in homes.items():
            own = [each for each in drafts if each[0].integration_id == integration_id]
            yield _of_drafts(home, own)
        if unsent := [(each, why) for each, why in payable if each.sent_at is None]:
            what = _described(unsent, "payable at Stripe, though neither emailed nor undone")
            remedy = (
                "stripe-bridge invoices void ID --tenant T, then send the order again; "
                "or give the customer its hosted_invoice_url"
            )
            yield Finding.error("invoices", what, remedy)
        if not_voided := [
            (each, why)
            for each, why in payable
            if each.sent_at is not None and why.operation is Operation.VOID
        ]:
            what = _described(not_voided, "payable at Stripe, which refused the void")
            yield Finding.warning("invoices", what, "void it in Stripe's Dashboard, or wait for the payment")

    def _access_not_revoked(self) -> Iterator[Finding]:
        """Disconnected accounts to which we still have access, since Stripe refused to revoke it."""
        with self._store.reading() as work:
            refused = reversed(_failed(work, frozenset({Operation.DEAUTHORIZE})))
            failed = {intent.account_id: intent for intent in refused}
            disconnected = [
                intent
                for account_id, intent in failed.items()
                if (holder := work.integrations.find_by_account(account_id)) is None or not holder.connected
            ]
        for intent in disconnected:
            if self._has_access(intent.account_id):
                yield Finding.error(
                    f"integration {intent.integration_id}",
                    f"Stripe refused to revoke our access to {intent.account_id}: {intent.last_error}",
                    "the merchant can revoke it in Stripe's Dashboard, under installed applications",
                )

    def _has_access(self, account_id: str) -> bool:
        try:
            next(iter(self._events.pages_since(account_id, self._clock.now())), None)
        except AccessRevoked:
            return False
        except GatewayError:
            return True
        return True

    def _in_flight_after_disconnect(self) -> Iterator[Finding]:
        with self._store.reading() as work:
            since = self._clock.now() - _FOLLOW_UP_PERIOD
            found = [work.integrations.find(id_) for id_ in work.reconciliations.disconnected_since(since)]
            unseen = [each for each in found if each is not None and not _is_followed(work, each)]
        for integration in unseen:
            counts = self._in_flight(integration.tenant_id, integration.id).counts
            if counts:
                what = " and ".join(
                    counted(number, kind.removesuffix("s")) for kind, number in counts.items()
                )
                command = f"stripe-bridge integrations in-flight {integration.id}"
                see = for_tenant(command, integration.tenant_id)
                yield Finding.warning(
                    f"integration {integration.id}",
                    f"{integration.account_id} was disconnected with {what} in flight, which this service can no longer see",
                    f"{see}; the merchant can deal with it in Stripe's Dashboard, or authorize again",
                )


def _is_followed(work: UnitOfWork, integration: Integration) -> bool:
    """Whether another integration has joined the account since: reconciling then covers everything in it."""
    holder = work.integrations.find_by_account(integration.account_id or "")
    return holder is not None and holder.connected


def _of_drafts(home: Integration | None, drafts: Sequence[tuple[Invoice, Intent]]) -> Finding:
    what = _described(drafts, "still a draft, holding its order, after a failed send")
    if home is None or not home.connected:
        return Finding.warning("invoices", what, "authorize the integration again")
    remedy = f"stripe-bridge reconcile --integration {home.id}"
    return Finding.warning("invoices", what, remedy, fix=Fix.RECONCILE, integration_id=home.id)


def _described(found: Sequence[tuple[Invoice, Intent]], what: str) -> str:
    """The number of invoices, what is wrong with each, some of their ids, and why."""
    ids = ", ".join(str(invoice.id) for invoice, _ in found[:_MAX_IDS])
    more = ", …" if len(found) > _MAX_IDS else ""
    return f"{counted(len(found), 'invoice')} {what} ({ids}{more}): {found[0][1].last_error}"


def _failed(work: UnitOfWork, operations: frozenset[Operation]) -> list[Intent]:
    return _all(work, IntentFilter(states=frozenset({IntentState.FAILED}), operations=operations))


def _all(work: UnitOfWork, matching: IntentFilter) -> list[Intent]:
    """Newest first."""
    found: list[Intent] = []
    request: PageRequest | None = PageRequest(per_page=_PAGE_SIZE)
    while request is not None:
        page = work.intents.page(matching, request)
        found += page.items
        cursor = page.next_cursor
        request = None if cursor is None else PageRequest.of(page=None, per_page=_PAGE_SIZE, cursor=cursor)
    return found
