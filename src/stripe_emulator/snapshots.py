"""The data of events: an object as it was when something happened to it, in every API version that it is sent or listed in."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stripe_emulator.errors import Json
from stripe_emulator.hosted_links import fresh
from stripe_emulator.store import Record, Store, clone
from stripe_emulator.versions import CURRENT, rendered

# What the API shows of an object but its events do not.
# https://docs.stripe.com/changelog/dahlia/2026-05-27/invoice-object-amount-paid-off-stripe-property
NOT_IN_EVENTS = ("amount_paid_off_stripe",)


def version_of(store: Store, account: str) -> str:
    """An account's default API version."""
    record = store.find("accounts", account)
    return str(record.hidden.get("api_version", CURRENT)) if record else CURRENT


def version_for(store: Store, endpoint: Record) -> str:
    """The version of what an endpoint is sent: its own, or else the default of the account that has it."""
    return str(endpoint.body["api_version"] or version_of(store, endpoint.account))


@dataclass(frozen=True)
class Happening:
    """What an event is about: an object, and if it changed, the values before.

    `seq` is the last sequence number before the change, so that what the change itself inserted can be excluded.
    """

    body: Json
    previous: Json | None
    seq: int
    now: int

    def snapshots(self, store: Store, versions: Iterable[str]) -> dict[str, Json]:
        """The event's `data` in the current version and in each of these."""
        current: Json = {"object": clone(fresh(_without(self.body), self.now))}
        if self.previous is not None:
            current["previous_attributes"] = _without(self.previous)
        older = set(versions) - {CURRENT}
        if not older:
            return {CURRENT: current}
        facts, before = facts_of(store, self.body), facts_of(store, self.body, self.seq)
        before |= {name: value for name, value in (self.previous or {}).items() if name in NOT_IN_EVENTS}
        return {CURRENT: current} | {version: _data(current, facts, before, version) for version in older}


def payload(store: Store, event: Record, version: str | None) -> Json:
    """An event as it is sent in a version. Events and deliveries from before there were versions have none."""
    if version is None or version == event.body["api_version"]:
        return dict(event.body)
    kept: dict[str, Json] = event.hidden.get("renderings", {})
    if version in kept:
        return {**event.body, "api_version": version, "data": kept[version]}
    # It is sent again, to an endpoint that is younger than the event.
    current: Json = kept[CURRENT] if CURRENT in kept else event.body["data"]
    facts = facts_of(store, current["object"])
    return {**event.body, "api_version": version, "data": _data(current, facts, facts, version)}


def facts_of(store: Store, body: Json, seq: float = math.inf) -> Json:
    """What an object does not show, but showed in earlier versions; `seq` leaves out what was made after it."""
    gather = {"invoice": _of_invoice, "payment_intent": _of_intent, "charge": _of_charge}
    kind = body.get("object", "")
    return gather[kind](store, body, seq) if kind in gather else {}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Json:
    """The earlier values of the keys that changed; hashes are compared key by key."""
    found: Json = {}
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        found[key] = difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else old
    return found


def _data(current: Json, facts: Json, facts_before: Json, version: str) -> Json:
    if version == CURRENT:
        return current
    after = rendered(current["object"], facts, version)
    if "previous_attributes" not in current:
        return {"object": after}
    earlier = _reverted(current["object"], current["previous_attributes"])
    previous = difference(rendered(earlier, facts_before, version), after)
    return {"object": after, "previous_attributes": previous}


def _reverted(after: Json, previous: Json) -> Json:
    """The object before a change, made of the object after it and the values that have changed."""
    earlier = dict(after)
    for name, old in previous.items():
        new = after.get(name)
        earlier[name] = _reverted(new, old) if isinstance(new, dict) and isinstance(old, dict) else old
    return earlier


def _without(body: Json) -> Json:
    return {name: value for name, value in body.items() if name not in NOT_IN_EVENTS}


def _of_invoice(store: Store, body: Json, seq: float) -> Json:
    invoice = store.find("invoices", body["id"])
    payments = _until(seq, store.where("invoice_payments", "invoice", body["id"]))
    default = next((one for one in payments if one.body["is_default"]), None)
    attempts = [
        charge
        for payment in payments
        for charge in _until(seq, store.where("charges", "payment_intent", payment.hidden["payment_intent"]))
    ]
    latest = max(attempts, key=lambda charge: charge.seq, default=None)
    shown: Json = invoice.body if invoice else {}
    return {
        "amount_paid_off_stripe": body.get(
            "amount_paid_off_stripe", shown.get("amount_paid_off_stripe") or 0
        ),
        "application_fee_amount": invoice.hidden["application_fee_amount"] if invoice else None,
        "charge": latest.id if latest else None,
        "payment_intent": default.hidden["payment_intent"] if default else None,
    }


def _of_intent(store: Store, body: Json, seq: float) -> Json:
    charges = [
        {"charge": clone(charge.body), "facts": _of_charge(store, charge.body, seq)}
        for charge in reversed(_until(seq, store.where("charges", "payment_intent", body["id"])))
    ]
    return {"charges": charges, "invoice": _invoice_of(store, body["id"])}


def _of_charge(store: Store, body: Json, seq: float) -> Json:
    refunds = reversed(_until(seq, store.where("refunds", "charge", body["id"])))
    return {
        "invoice": _invoice_of(store, body["payment_intent"]),
        "refunds": [clone(refund.body) for refund in refunds],
    }


def _until(seq: float, records: list[Record]) -> list[Record]:
    return [record for record in records if record.seq <= seq]


def _invoice_of(store: Store, intent: str) -> str | None:
    payments = store.where("invoice_payments", "payment_intent", intent)
    return payments[0].body["invoice"] if payments else None
