"""Links to the page that Stripe hosts for an invoice; they expire, and every reading of the invoice makes a new one.

https://docs.stripe.com/invoicing/hosted-invoice-page
"""

from stripe_emulator.errors import Json

DAY = 24 * 3600
AFTER_DUE = 30 * DAY
LONGEST = 120 * DAY
SHORTEST = 10 * DAY


def links(page: str, made_at: int) -> Json:
    """The links that an invoice shows; `page` is the address without the time at which they are made."""
    link = f"{page}.{made_at}"
    return {"hosted_invoice_url": link, "invoice_pdf": f"{link}/pdf"}


def fresh(body: Json, now: int) -> Json:
    """An invoice, or a list of invoices, with links made now; anything else as it is."""
    if body.get("object") == "list":
        return {**body, "data": [fresh(one, now) for one in body["data"]]}
    if body.get("object") == "invoice" and body.get("hosted_invoice_url"):
        folder, _, last = body["hosted_invoice_url"].rpartition("/")
        return {**body, **links(f"{folder}/{last.partition('.')[0]}", now)}
    return body


def parts(last: str) -> tuple[str, int | None]:
    """An invoice's token, and when the link was made; those from before links expired do not say."""
    token, dot, made_at = last.partition(".")
    if not dot:
        return token, None
    return (token, int(made_at)) if made_at.isascii() and made_at.isdigit() else ("", None)


def expires_at(invoice: Json, made_at: int | None) -> int:
    """When a link ends: 30 days after the invoice is due, within 10 to 120 days after the link was made."""
    finalized_at: int = invoice["status_transitions"]["finalized_at"]
    made = finalized_at if made_at is None else made_at
    wanted = (invoice["due_date"] or finalized_at) + AFTER_DUE
    return int(max(made + SHORTEST, min(wanted, made + LONGEST)))
