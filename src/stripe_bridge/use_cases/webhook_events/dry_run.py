"""A unit of work that writes nothing: handlers run in it as in any other, and what they would write is held in memory.

It stands on a unit of work that only reads. So it takes no lock, uses up no id, and sees one state of the database, with
what is held on top of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NoReturn, cast

from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.origin import SERVICE
from stripe_bridge.domain.payment import Payment
from stripe_bridge.domain.recovery import RecoveryHold, SigningKey
from stripe_bridge.domain.refund import Refund
from stripe_bridge.ports.storage.unit_of_work import UnitOfWork

Held = Invoice | Payment | Refund | Dispute
Pair = tuple[str, str]


class NotInDryRun(AssertionError):
    """A handler did what a dry run does not hold in memory: what it was told could be wrong. A bug."""


@dataclass(frozen=True, slots=True)
class HeldChange:
    """An object as it is stored, None if it is not, and as it would be."""

    before: Held | None
    after: Held


class DryRun:
    """What `view` shows, with what was written here on top.

    `touched` are the ids of the invoices that were locked since the last `begin`, and `holds` those holds of sends that would
    be made.
    """

    def __init__(self, view: UnitOfWork) -> None:
        self._view, self.origin = view, SERVICE
        self.touched: set[int] = set()
        self.touched_integrations: set[int] = set()
        self.holds: dict[Pair, RecoveryHold] = {}
        # Whatever belongs to one invoice is held together: by kind and the invoice's id.
        self.read: dict[tuple[str, object], Any] = {}
        self.held: dict[tuple[str, object], Any] = {}
        self._before_event: tuple[dict[tuple[str, object], Any], dict[Pair, RecoveryHold]] = ({}, {})
        self.integrations = _Integrations(view.integrations, self)
        self.invoices = _Invoices(view.invoices, self)
        self.links = _Links(view.links, self)
        self.payments = _Payments(view.payments, self)
        self.refunds = _Refunds(view.refunds, self)
        self.disputes = _Disputes(view.disputes, self)
        self.recoveries = _Recoveries(view.recoveries, self)

    def __getattr__(self, name: str) -> Any:
        """The rest is the snapshot's, which refuses every write."""
        return getattr(self._view, name)

    @property
    def as_unit_of_work(self) -> UnitOfWork:
        return cast(UnitOfWork, self)

    def begin(self) -> None:
        """From here on, `undo` forgets what is written."""
        self.touched, self.touched_integrations = set(), set()
        self._before_event = dict(self.held), dict(self.holds)

    def undo(self) -> None:
        self.held, self.holds = self._before_event

    def commit(self) -> NoReturn:
        raise NotInDryRun("commit")

    def prefetch(self, linked: Sequence[Pair]) -> None:
        """Read what these objects are linked to, with few statements; nothing is locked."""
        unread = [pair for pair in linked if ("link", pair) not in self.read]
        found = self._view.links.find_invoice_ids(unread)
        self.read |= {("link", pair): found.get(pair) for pair in unread}
        ids = sorted({id_ for id_ in found.values() if ("invoice", id_) not in self.read})
        for invoice in self._view.invoices.find_all(ids):
            self.read["invoice", invoice.id] = invoice
        for kind, values in (
            (_PAYMENTS, self._view.payments.of_invoices(ids)),
            (_REFUNDS, self._view.refunds.of_invoices(ids)),
            (_DISPUTES, self._view.disputes.of_invoices(ids)),
        ):
            for invoice_id, of_invoice in values.items():
                self.read[kind, invoice_id] = {_KEYS[kind](each): each for each in of_invoice}

    def changes(self) -> Iterator[HeldChange]:
        """What is held and differs from what is stored."""
        for (kind, id_), held in self.held.items():
            if kind == "link":
                continue
            stored = self.read[kind, id_]
            before, after = ({id_: stored}, {id_: held}) if kind == "invoice" else (stored, held)
            for key, value in after.items():
                if before.get(key) != value:
                    yield HeldChange(before.get(key), value)

    def get(self, key: tuple[str, object], read: Callable[[], Any]) -> Any:
        """What is held, or else what is stored, which never changes meanwhile."""
        if key in self.held:
            return self.held[key]
        if key not in self.read:
            self.read[key] = read()
        return self.read[key]


_PAYMENTS, _REFUNDS, _DISPUTES = "payments", "refunds", "disputes"
_KEYS: Mapping[str, Callable[[Any], object]] = {
    _PAYMENTS: lambda payment: (payment.account_id, payment.stripe_id),
    _REFUNDS: lambda refund: refund.id,
    _DISPUTES: lambda dispute: (dispute.account_id, dispute.stripe_id),
}


class _Part:
    """A repository as handlers see it: what is defined here, and of the rest what is `stored`, whatever is held."""

    stored: frozenset[str] = frozenset()

    def __init__(self, view: Any, run: DryRun) -> None:
        self._view, self._run = view, run

    def __getattr__(self, name: str) -> Any:
        if name not in self.stored:
            raise NotInDryRun(f"{type(self).__name__}.{name}")
        return getattr(self._view, name)


class _Integrations(_Part):
    def find(self, integration_id: int, *, lock: bool = False) -> Integration | None:
        found: Integration | None = self._run.get(
            ("integration", integration_id), lambda: self._view.find(integration_id)
        )
        return found

    def find_by_account(self, account_id: str, *, lock: bool = False) -> Integration | None:
        found: Integration | None = self._run.get(
            ("integration of account", account_id), lambda: self._view.find_by_account(account_id)
        )
        if lock and found is not None:
            self._run.touched_integrations.add(found.id)
        return found


class _Invoices(_Part):
    def find(self, invoice_id: int, *, lock: bool = False) -> Invoice | None:
        found: Invoice | None = self._run.get(("invoice", invoice_id), lambda: self._view.find(invoice_id))
        return found

    def lock(self, invoice_id: int) -> Invoice | None:
        self._run.touched.add(invoice_id)
        return self.find(invoice_id)

    def save(self, invoice: Invoice) -> Invoice:
        saved = replace(invoice, version=invoice.version + 1)
        self._run.held["invoice", invoice.id] = saved
        return saved


class _Links(_Part):
    def find_invoice_id(self, account_id: str, stripe_id: str) -> int | None:
        pair = account_id, stripe_id
        found: int | None = self._run.get(("link", pair), lambda: self._view.find_invoice_id(*pair))
        return found

    def add(self, account_id: str, invoice_id: int, stripe_ids: Sequence[str]) -> None:
        for stripe_id in stripe_ids:
            if self.find_invoice_id(account_id, stripe_id) is None:
                self._run.held["link", (account_id, stripe_id)] = invoice_id


class _OfInvoices(_Part):
    """Things that belong to invoices. Handlers look for them once they have locked the invoice."""

    kind: str

    def _all_of(self, invoice_id: int) -> Mapping[object, Any]:
        def read() -> Mapping[object, Any]:
            return {_KEYS[self.kind](each): each for each in self._view.of_invoice(invoice_id)}

        found: Mapping[object, Any] = self._run.get((self.kind, invoice_id), read)
        return found

    def _hold(self, value: Any) -> None:
        others = self._all_of(value.invoice_id)
        self._run.held[self.kind, value.invoice_id] = {**others, _KEYS[self.kind](value): value}

    def _find(self, is_wanted: Callable[[Any], bool], stored: Callable[[], Any]) -> Any:
        for invoice_id in self._run.touched:
            for value in self._all_of(invoice_id).values():
                if is_wanted(value):
                    return value
        found = stored()
        return None if found is None else self._all_of(found.invoice_id).get(_KEYS[self.kind](found))


class _Payments(_OfInvoices):
    kind = _PAYMENTS

    def find(self, account_id: str, payment_intent_id: str) -> Payment | None:
        wanted = account_id, payment_intent_id
        found: Payment | None = self._find(
            lambda each: (each.account_id, each.payment_intent_id) == wanted, lambda: self._view.find(*wanted)
        )
        return found

    def of_invoice(self, invoice_id: int) -> Sequence[Payment]:
        return sorted(self._all_of(invoice_id).values(), key=lambda payment: payment.stripe_id)

    def put(self, payment: Payment) -> None:
        self._hold(payment)


class _Refunds(_OfInvoices):
    kind = _REFUNDS

    def __init__(self, view: Any, run: DryRun) -> None:
        super().__init__(view, run)
        # No id of the database's is negative.
        self._ids = count(-1, -1)

    def find(self, refund_id: int) -> Refund | None:
        found: Refund | None = self._find(
            lambda each: each.id == refund_id, lambda: self._view.find(refund_id)
        )
        return found

    def find_by_stripe_id(self, account_id: str, stripe_refund_id: str) -> Refund | None:
        wanted = account_id, stripe_refund_id
        found: Refund | None = self._find(
            lambda each: (each.account_id, each.stripe_refund_id) == wanted,
            lambda: self._view.find_by_stripe_id(*wanted),
        )
        return found

    def find_by_reference(self, reference: str) -> Refund | None:
        found: Refund | None = self._find(
            lambda each: each.reference == reference, lambda: self._view.find_by_reference(reference)
        )
        return found

    def of_invoice(self, invoice_id: int) -> Sequence[Refund]:
        """Those that are new have no id that says so."""
        refunds = self._all_of(invoice_id).values()
        return sorted(refunds, key=lambda refund: (refund.id < 0, abs(refund.id)), reverse=True)

    def add(self, refund: Refund) -> Refund:
        added = replace(refund, id=next(self._ids))
        self._hold(added)
        return added

    def restore(self, refund: Refund) -> bool:
        self.add(refund)
        return True

    def save(self, refund: Refund) -> Refund:
        saved = replace(refund, version=refund.version + 1)
        self._hold(saved)
        return saved


class _Disputes(_OfInvoices):
    kind = _DISPUTES

    def find(self, account_id: str, stripe_dispute_id: str) -> Dispute | None:
        wanted = account_id, stripe_dispute_id
        found: Dispute | None = self._find(
            lambda each: (each.account_id, each.stripe_id) == wanted, lambda: self._view.find(*wanted)
        )
        return found

    def of_invoice(self, invoice_id: int) -> Sequence[Dispute]:
        disputes = self._all_of(invoice_id).values()
        return sorted(disputes, key=lambda dispute: (dispute.opened_at, dispute.stripe_id), reverse=True)

    def put(self, dispute: Dispute) -> None:
        self._hold(dispute)


class _Recoveries(_Part):
    """Nobody's sends are held in a dry run: it is only noted that they would be."""

    stored = frozenset({"holds_of", "open_holds", "is_unresolved", "signing_keys"})

    def hold(self, hold: RecoveryHold) -> bool:
        is_held = any(
            (each.tenant_id, each.account_id) == (hold.tenant_id, hold.account_id)
            for each in self._view.open_holds()
        )
        if not is_held:
            self._run.holds.setdefault((hold.tenant_id, hold.account_id), hold)
        return False

    def note_key(self, key: SigningKey) -> None:
        """Operators see it once the event is applied."""
