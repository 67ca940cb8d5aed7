"""The last look at an account, wired."""

from __future__ import annotations

from stripe_bridge.bootstrap.driven import Adapters
from stripe_bridge.use_cases.keeping_the_ledger import KeepLedger
from stripe_bridge.use_cases.looking_once_more import LookOnceMore
from stripe_bridge.use_cases.recording import RecordInvoice, lock_invoice
from stripe_bridge.use_cases.sweeping import Disputes, Invoices, Refunds
from stripe_bridge.use_cases.undoing import UndoStuckDraft


def last_look_of(adapters: Adapters) -> LookOnceMore:
    store, clock, ledger = adapters.store, adapters.clock, KeepLedger(adapters.clock)
    undo = UndoStuckDraft(clock, adapters.identifiers)
    return LookOnceMore(
        store,
        clock,
        [
            Invoices(store, clock, adapters.payment_gateway, RecordInvoice(clock), lock_invoice, undo),
            Refunds(store, adapters.refund_gateway, ledger, lock_invoice),
            Disputes(store, adapters.refund_gateway, ledger, lock_invoice),
        ],
    )
