"""`expand`: replaces ids by the objects that they name, and adds parts that are shown only on request."""

from collections.abc import Callable
from typing import Any

from stripe_emulator.api.listing import sublist
from stripe_emulator.errors import Json
from stripe_emulator.hosted_links import fresh
from stripe_emulator.store import Record, clone
from stripe_emulator.transaction import Transaction


# The payments' `total_count` and `url` are not recorded; every recorded list inside another object has the former.
def _payments(tx: Transaction, invoice: Json) -> Json:
    payments = tx.store.where("invoice_payments", "invoice", invoice["id"])
    return sublist(payments, f"/v1/invoice_payments?invoice={invoice['id']}")


def _confirmation_secret(tx: Transaction, invoice: Json) -> Json | None:
    for payment in tx.store.where("invoice_payments", "invoice", invoice["id"]):
        intent = tx.store.find("payment_intents", payment.hidden["payment_intent"] or "")
        if intent is not None and payment.body["is_default"]:
            return {"client_secret": intent.body["client_secret"], "type": "payment_intent"}
    return None


def _refunds(tx: Transaction, charge: Json) -> Json:
    refunds = tx.store.where("refunds", "charge", charge["id"])
    return sublist(refunds[::-1], f"/v1/charges/{charge['id']}/refunds")


# Parts that an object contains only on request.
INCLUDABLE: dict[tuple[str, str], Callable[[Transaction, Json], Json | None]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("charge", "refunds"): _refunds,
}


def expanded(tx: Transaction, account: str, body: Json, paths: list[str]) -> Json:
    """The body, with fresh links, and with everything expanded that was asked for.

    `check_expand` has already checked the paths.
    """
    shown = fresh(body, tx.now)
    if not paths:
        return shown
    copy = clone(shown)
    for path in paths:
        _expand(tx, account, copy, path.split("."))
    return copy


def _expand(tx: Transaction, account: str, node: Any, steps: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(tx, account, item, steps)
    if not steps or not isinstance(node, dict):
        return
    name = steps[0]
    include = INCLUDABLE.get((node.get("object", ""), name))
    if include is not None and not node.get(name):
        node[name] = _copied(include(tx, node))
    elif isinstance(node.get(name), str):
        record = _named(tx, account, node[name])
        # Objects that are not emulated, such as an application, stay an id.
        node[name] = clone(fresh(record.body, tx.now)) if record else node[name]
    _expand(tx, account, node.get(name), steps[1:])


def _copied(value: Json | None) -> Json | None:
    return clone(value) if value is not None else None


def _named(tx: Transaction, account: str, object_id: str) -> Record | None:
    record = tx.store.find_any(object_id)
    return record if record is not None and record.account == account else None
