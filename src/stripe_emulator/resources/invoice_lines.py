"""The lines of a draft invoice."""

from decimal import Decimal

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import DEFAULT_LIMIT, MAX_LIMIT, both_cursors
from stripe_emulator.api.metadata import merged_metadata
from stripe_emulator.errors import Json, StripeError, invalid, malformed, missing_param, no_such
from stripe_emulator.identifiers import new_id
from stripe_emulator.resources.invoice_shape import lines_url, show_amounts
from stripe_emulator.store import Record

MAX_LINES = 250
MAX_AMOUNT = 999_999_999_999


def add(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/add_lines."""
    invoice = _editable(call)
    added = [_line(invoice, given, f"lines[{n}]") for n, given in enumerate(call.params["lines"])]
    if len(invoice.hidden["lines"]) + len(added) > MAX_LINES:
        # Not recorded.
        raise invalid(f"You can only have {MAX_LINES} invoice items on an invoice.", "lines")
    return _with_lines(call, invoice, invoice.hidden["lines"] + added)


def update(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/update_lines."""
    invoice = _editable(call)
    lines = {line["id"]: line for line in invoice.hidden["lines"]}
    for n, given in enumerate(call.params["lines"]):
        line = lines.get(given["id"])
        if line is None:
            raise no_such("invoice line item", given["id"], f"lines[{n}][id]", status=400)
        kept = {"description": line["description"]} if "description" not in given else {}
        if {"amount", "quantity", "quantity_decimal", "price_data", "pricing"}.isdisjoint(given):
            kept["amount"] = line["amount"]
        made = _line(invoice, {**kept, **given}, f"lines[{n}]")
        metadata = merged_metadata(line["metadata"], given.get("metadata"))
        taxes = made["taxes"] if "tax_amounts" in given else line["taxes"]
        lines[line["id"]] = {**made, "id": line["id"], "metadata": metadata, "taxes": taxes}
    return _with_lines(call, invoice, list(lines.values()))


def remove(call: Call) -> Json:
    """POST /v1/invoices/{invoice}/remove_lines; `unassign` and `delete` do the same here."""
    invoice = _editable(call)
    gone = {given["id"] for given in call.params["lines"]}
    unknown = gone - {line["id"] for line in invoice.hidden["lines"]}
    if unknown:
        raise no_such("invoice line item", min(unknown), "lines[0][id]", status=400)
    return _with_lines(call, invoice, [line for line in invoice.hidden["lines"] if line["id"] not in gone])


def list_(call: Call) -> Json:
    """GET /v1/invoices/{invoice}/lines: in the invoice's order."""
    invoice = call.record("invoices", "invoice", "invoice")
    lines = invoice.hidden["lines"]
    places = {line["id"]: place for place, line in enumerate(lines)}
    limit = max(1, min(MAX_LIMIT, call.params.get("limit", DEFAULT_LIMIT)))
    for name in ("starting_after", "ending_before"):
        if name in call.params and call.params[name] not in places:
            raise no_such("invoice line item", call.params[name], name, status=400)
    if "starting_after" in call.params and "ending_before" in call.params:
        raise both_cursors()
    url = lines_url(invoice.id)
    if "ending_before" in call.params:
        end = places[call.params["ending_before"]]
        start = max(0, end - limit)
        return {"object": "list", "data": lines[start:end], "has_more": start > 0, "url": url}
    start = places[call.params["starting_after"]] + 1 if "starting_after" in call.params else 0
    shown = lines[start : start + limit]
    return {"object": "list", "data": shown, "has_more": start + limit < len(lines), "url": url}


def _editable(call: Call) -> Record:
    invoice = call.record("invoices", "invoice", "invoice")
    if invoice.body["status"] != "draft":
        raise invalid("Invalid invoice: This invoice is no longer editable", code="invoice_not_editable")
    return invoice


def _with_lines(call: Call, invoice: Record, lines: list[Json]) -> Json:
    body = call.tx.edit(invoice)
    invoice.hidden["lines"] = lines
    body["metadata"] = merged_metadata(body["metadata"], call.params.get("invoice_metadata"))
    show_amounts(call.tx, invoice)
    call.tx.emit_update("invoice.updated", invoice)
    return invoice.body


def _line(invoice: Record, given: Json, name: str) -> Json:
    for unknown in ("discounts", "invoice_item", "tax_rates", "pricing"):
        if given.get(unknown):
            raise malformed(
                f"The emulator does not know what a line does with `{unknown}`.", f"{name}[{unknown}]"
            )
    amount, quantity, unit_amount = _amount(invoice, given, name)
    if abs(amount) > MAX_AMOUNT:
        # Not recorded.
        raise invalid("Amount must be no more than 999999999999", f"{name}[amount]", "amount_too_large")
    period = given.get("period") or {"end": invoice.body["created"], "start": invoice.body["created"]}
    price_details = {"price": new_id("price"), "product": new_id("prod")}
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": invoice.body["currency"],
        "description": given.get("description") or _product_name(given),
        "discount_amounts": [],
        "discountable": given.get("discountable", amount >= 0),
        "discounts": [],
        "invoice": invoice.id,
        "livemode": False,
        "metadata": merged_metadata({}, given.get("metadata")),
        "parent": _one_off_item(),
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": price_details,
            "type": "price_details",
            "unit_amount_decimal": unit_amount,
        },
        "quantity": int(quantity),
        "quantity_decimal": f"{quantity:f}",
        "subscription": None,
        "subtotal": amount,
        "taxes": [_tax(tax) for tax in given.get("tax_amounts") or []],
    }


def _one_off_item() -> Json:
    item: Json = {
        "invoice_item": new_id("ii"),
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": None,
    }
    return {
        "invoice_item_details": item,
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }


def _amount(invoice: Record, given: Json, name: str) -> tuple[int, Decimal, str]:
    """A line's amount, quantity and unit price."""
    if "amount" in given:
        for other in ("quantity", "quantity_decimal", "price_data"):
            if other in given:
                raise _exclusive("amount", other, f"{name}[amount]")
        return given["amount"], Decimal(1), str(given["amount"])
    price: Json | None = given.get("price_data")
    if price is None:
        raise missing_param(f"{name}[amount]")
    if price["currency"].lower() != invoice.body["currency"]:
        # Not recorded.
        message = f"The currency of the price ({price['currency']}) differs from the invoice's"
        raise invalid(f"{message} ({invoice.body['currency']}).", f"{name}[price_data][currency]")
    if "product" in price:
        raise no_such("product", price["product"], f"{name}[price_data][product]", status=400)
    units = [Decimal(price[key]) for key in ("unit_amount", "unit_amount_decimal") if key in price]
    if not units:
        raise missing_param(f"{name}[price_data][unit_amount]")
    if len(units) > 1:
        raise _exclusive("unit_amount", "unit_amount_decimal", f"{name}[price_data][unit_amount]")
    unit = units[0]
    if unit < 0:
        # Not recorded.
        raise malformed("Invalid unit_amount: must be at least 0", f"{name}[price_data][unit_amount]")
    quantity = Decimal(given["quantity_decimal"] if "quantity_decimal" in given else given.get("quantity", 1))
    return int((unit * quantity).quantize(Decimal(1), "ROUND_HALF_UP")), quantity, f"{unit:f}"


def _exclusive(one: str, other: str, param: str) -> StripeError:
    return malformed(f"You may only specify one of these parameters: {one}, {other}.", param)


def _product_name(given: Json) -> str | None:
    name = given.get("price_data", {}).get("product_data", {}).get("name")
    return str(name) if name else None


def _tax(given: Json) -> Json:
    data = given["tax_rate_data"]
    return {
        "amount": given["amount"],
        "tax_behavior": "inclusive" if data.get("inclusive") else "exclusive",
        "tax_rate_details": {"tax_rate": new_id("txr")},
        "taxability_reason": "not_available",
        "taxable_amount": given["taxable_amount"],
        "type": "tax_rate_details",
    }
