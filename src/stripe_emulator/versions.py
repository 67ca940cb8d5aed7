"""How objects looked in earlier API versions: a table of what changed, and nothing else.

Objects are kept in the version that the `stripe` package is pinned to. Rendering one in an earlier version undoes, one by one,
the breaking changes since. What was only added stays: Stripe shows new fields in old versions too, as an event of October 2025
in a version from before 2024-04-10 does, which has `parent` beside `subscription`, `rendering` beside `rendering_options`, and
`taxes` beside `tax_amounts` (a failed payment of an invoice, kept in a public repository's tests).

No breaking change since 2020-08-27 concerns the fields that are emulated of accounts, customers, disputes, invoice payments
and refunds.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import stripe
from stripe.params import WebhookEndpointCreateParams

from stripe_emulator.errors import Json, malformed

CURRENT: str = stripe.api_version
OLDEST = "2020-08-27"
# Every version there is, oldest first: the package lists them as what an endpoint may have.
KNOWN = tuple(
    re.findall(r"\d{4}-\d{2}-\d{2}[.a-z]*", str(WebhookEndpointCreateParams.__annotations__["api_version"]))
)

_CHANGELOG = "https://docs.stripe.com/changelog"
_BASIL = f"{_CHANGELOG}/basil/2025-03-31"


@dataclass(frozen=True)
class Change:
    """A breaking change: `undo` makes of an object, and of facts that it no longer shows, what it was before `version`."""

    version: str
    kind: str
    undo: Callable[[Json, Json], Json]
    source: str


def check_version(version: Any, param: str = "api_version") -> str:
    """Refuse a version that Stripe does not know, and those from before the table begins."""
    if version not in KNOWN:
        raise malformed(f"Invalid Stripe API version: {version}", param)
    if version < OLDEST:
        raise malformed(f"The emulator only knows API versions from {OLDEST} on, not {version}.", param)
    return str(version)


def rendered(body: Json, facts: Json, version: str) -> Json:
    """An object as it looks in a version; `facts` are what it no longer shows itself (see `facts_of`)."""
    for change in CHANGES:
        if change.kind == body.get("object") and version < change.version:
            body = change.undo(body, facts)
    if body.get("object") == "invoice":
        lines = [rendered(line, {}, version) for line in body["lines"]["data"]]
        body = {**body, "lines": {**body["lines"], "data": lines}}
    return body


def _session_before_dahlia(body: Json, _: Json) -> Json:
    modes = {"hosted_page": "hosted", "embedded_page": "embedded", "elements": "custom"}
    return {**body, "ui_mode": modes.get(body["ui_mode"], body["ui_mode"])}


def _invoice_with_one_payment(body: Json, facts: Json) -> Json:
    off_stripe = facts["amount_paid_off_stripe"]
    on_stripe = max(0, body["amount_paid"] - off_stripe)
    is_paid = body["status"] == "paid"
    older = {
        "amount_paid": on_stripe,
        "application_fee_amount": facts["application_fee_amount"],
        "charge": facts["charge"],
        "paid": is_paid,
        "paid_out_of_band": is_paid and off_stripe > 0,
        "payment_intent": facts["payment_intent"],
        "transfer_data": None,
    }
    if off_stripe:
        # It was the difference between the two, so money from elsewhere seemed to be missing.
        older["amount_remaining"] = body["amount_due"] - on_stripe
    return {**body, **older}


def _with_invoice(body: Json, facts: Json) -> Json:
    return {**body, "invoice": facts["invoice"]}


def _note_with_one_refund(body: Json, _: Json) -> Json:
    refunds = body["refunds"]
    return {**body, "refund": refunds[0]["refund"] if refunds else None}


def _invoice_without_parent(body: Json, _: Json) -> Json:
    return {**body, "quote": None, "subscription": None, "subscription_details": {"metadata": None}}


def _line_without_parent(body: Json, _: Json) -> Json:
    details: Json = (body["parent"] or {}).get("invoice_item_details") or {}
    older = {
        "invoice_item": details.get("invoice_item"),
        "proration": details.get("proration", False),
        "proration_details": {"credited_items": None},
        "subscription": details.get("subscription"),
        "type": "invoiceitem",
    }
    return {**body, **older}


def _line_with_price(body: Json, _: Json) -> Json:
    unit = Decimal(body["pricing"]["unit_amount_decimal"])
    price = {
        "id": body["pricing"]["price_details"]["price"],
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": body["period"]["start"],
        "currency": body["currency"],
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": body["pricing"]["price_details"]["product"],
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": int(unit) if unit == int(unit) else None,
        "unit_amount_decimal": f"{unit:f}",
    }
    return {**body, "plan": None, "price": price}


def _invoice_with_tax(body: Json, _: Json) -> Json:
    taxes = body["total_taxes"]
    total = sum(tax["amount"] for tax in taxes) if taxes else None
    return {**body, "tax": total, "total_tax_amounts": _tax_amounts(taxes)}


def _line_with_tax_amounts(body: Json, _: Json) -> Json:
    included = sum(tax["amount"] for tax in body["taxes"] if tax["tax_behavior"] == "inclusive")
    net = body["amount"] - included
    older = {
        "amount_excluding_tax": net,
        "tax_amounts": _tax_amounts(body["taxes"]),
        "tax_rates": [],
        "unit_amount_excluding_tax": f"{round(Decimal(net) / (body['quantity'] or 1), 12).normalize():f}",
    }
    return {**body, **older}


def _note_with_tax_amounts(body: Json, _: Json) -> Json:
    return {**body, "tax_amounts": _tax_amounts(body["total_taxes"])}


def _tax_amounts(taxes: Iterable[Json]) -> list[Json]:
    return [
        {
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": tax["tax_rate_details"]["tax_rate"],
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


def _invoice_with_discount(body: Json, _: Json) -> Json:
    return {**body, "discount": None}


def _session_with_shipping_details(body: Json, _: Json) -> Json:
    collected: Json = body.get("collected_information") or {}
    return {**body, "shipping_details": collected.get("shipping_details")}


def _invoice_with_rendering_options(body: Json, _: Json) -> Json:
    return {**body, "rendering_options": body["rendering"]}


def _charge_with_refunds(body: Json, facts: Json) -> Json:
    url = f"/v1/charges/{body['id']}/refunds"
    return {**body, "refunds": _list_of(facts["refunds"], url)}


def _intent_with_charges(body: Json, facts: Json) -> Json:
    # This change is undone last, and everything that it undoes in a charge is older than any other change of charges.
    charges = [rendered(one["charge"], one["facts"], OLDEST) for one in facts["charges"]]
    return {**body, "charges": _list_of(charges, f"/v1/charges?payment_intent={body['id']}")}


def _list_of(data: list[Json], url: str) -> Json:
    return {"object": "list", "data": data, "has_more": False, "total_count": len(data), "url": url}


def _session_with_shipping(body: Json, _: Json) -> Json:
    cost: Json = body["shipping_cost"] or {}
    return {**body, "shipping": body["shipping_details"], "shipping_rate": cost.get("shipping_rate")}


_PAYMENTS = f"{_BASIL}/add-support-for-multiple-partial-payments-on-invoices"
_PARENT = f"{_BASIL}/adds-new-parent-field-to-invoicing-objects"
_PRICING = f"{_BASIL}/invoice-pricing-configurations"
_TAXES = f"{_BASIL}/invoice-tax-configurations"

# Newest first, which is the order of undoing.
CHANGES = (
    Change(
        "2026-03-25.dahlia",
        "checkout.session",
        _session_before_dahlia,
        f"{_CHANGELOG}/dahlia/2026-03-25/updates-available-checkout-session-ui-modes",
    ),
    # That `amount_remaining` did not go down either is what public projects' tests of that time show.
    Change("2025-03-31.basil", "invoice", _invoice_with_one_payment, _PAYMENTS),
    Change("2025-03-31.basil", "payment_intent", _with_invoice, _PAYMENTS),
    Change("2025-03-31.basil", "charge", _with_invoice, _PAYMENTS),
    Change("2025-03-31.basil", "credit_note", _note_with_one_refund, _PAYMENTS),
    Change("2025-03-31.basil", "invoice", _invoice_without_parent, _PARENT),
    Change("2025-03-31.basil", "line_item", _line_without_parent, _PARENT),
    Change("2025-03-31.basil", "line_item", _line_with_price, _PRICING),
    Change("2025-03-31.basil", "invoice", _invoice_with_tax, _TAXES),
    Change("2025-03-31.basil", "line_item", _line_with_tax_amounts, _TAXES),
    Change("2025-03-31.basil", "credit_note", _note_with_tax_amounts, _TAXES),
    Change(
        "2025-03-31.basil",
        "invoice",
        _invoice_with_discount,
        "https://github.com/stripe/stripe-python/releases/tag/v12.0.0",
    ),
    Change(
        "2025-03-31.basil",
        "checkout.session",
        _session_with_shipping_details,
        f"{_BASIL}/checkout-session-remove-shipping-details",
    ),
    Change(
        "2024-04-10",
        "invoice",
        _invoice_with_rendering_options,
        f"{_CHANGELOG}/2024-04-10/renames-rendering-options-invoicing",
    ),
    Change(
        "2022-11-15",
        "charge",
        _charge_with_refunds,
        f"{_CHANGELOG}/2022-11-15/deprecates-charges-auto-expand",
    ),
    Change(
        "2022-11-15",
        "payment_intent",
        _intent_with_charges,
        f"{_CHANGELOG}/2022-11-15/removes-charges-attribute-paymentintent",
    ),
    Change(
        "2022-08-01",
        "checkout.session",
        _session_with_shipping,
        f"{_CHANGELOG}/2022-08-01/updates-shipping-property-checkout-session",
    ),
)
