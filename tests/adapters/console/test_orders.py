from typing import Any

from stripe_bridge.domain.access import Role
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of
from tests.adapters.web.world import data_of

LIST = "/console/orders"
ORDER = f"{LIST}/1001"


def send(browser: Browser, **fields: Any) -> Any:
    """Ask for an invoice, and confirm what the page then says."""
    return browser.client.post(f"{ORDER}/send", data=browser.hidden(f"{ORDER}/send", **fields))


def ready(world: ConsoleWorld) -> int:
    """The id of an integration that can charge; there is an order of 120.00 EUR."""
    world.put_order()
    id_: int = world.connect()["id"]
    return id_


def test_an_order_is_found_by_id_and_by_the_beginning_of_its_number(world):
    world.put_order()
    world.put_order(7, number="SO-2")
    jane = world.visitor()
    for text in ("1001", "SO-1", "SO-1001"):
        page = text_of(jane.get(LIST, q=text))
        assert "SO-1001 1001 Jenny Rosen 120.00 EUR 0.00 EUR 120.00 EUR" in page
        assert "SO-2" not in page
    assert "SO-2" in text_of(jane.get(LIST))
    assert "No order has the id “X-1”, or a number that begins with it." in text_of(jane.get(LIST, q="X-1"))
    assert "stripe-bridge orders search --tenant acme -- -x" in text_of(jane.get(LIST, q="-x"))


def test_without_orders_it_says_where_they_come_from(world):
    assert "No orders yet. The ERP submits them" in text_of(world.visitor().get(LIST))


def test_an_order_has_its_invoices_and_what_happened(world):
    invoice = data_of(world.send(ready(world)))
    world.pay(invoice)
    page = text_of(world.visitor().get(ORDER))
    for shown in (
        "Order SO-1001",
        "Outstanding 0.00 EUR",
        f"{invoice['number']} 120.00 EUR 120.00 EUR 0.00 EUR paid jenny@example.com Rosen Furniture",
        "Change sales_order.created",
        "Change invoice.paid status open → paid",
        "stripe-bridge orders show 1001 --tenant acme",
    ):
        assert shown in page, shown
    assert "Send an invoice" not in page


def test_an_invoice_is_sent_after_a_question_with_amount_and_customer(world):
    integration_id, jane = ready(world), world.visitor(Role.MEMBER)
    form = jane.get(f"{ORDER}/send").get_data(as_text=True)
    assert 'value="120.00"' in form
    assert 'value="jenny@example.com"' in form
    asked = {"integration": integration_id, "amount": "20.00", "email": "else@example.com"}
    question = text_of(jane.get(f"{ORDER}/send", **asked))
    assert "Send an invoice of 20.00 EUR?" in question
    assert "emails it to else@example.com" in question
    assert "--amount 2000" in question
    assert "of 20.00 EUR is sent to else@example.com." in jane.follow(send(jane, **asked))


def test_what_was_done_says_amounts_as_the_pages_do(world):
    tables = {"description": "Oak tables", "quantity": 1, "amount_in_cents": 123_450}
    world.put_order(total_in_cents=123_450, lines=[tables])
    jane, asked = world.visitor(), {"integration": world.connect()["id"], "amount": "1234.50"}
    assert "of 1,234.50 EUR is sent to" in jane.follow(send(jane, **asked))


def test_sending_twice_sends_one_invoice(world):
    asked = {"integration": ready(world), "amount": "120.00"}
    jane = world.visitor()
    hidden = jane.hidden(f"{ORDER}/send", **asked)
    assert "is sent to" in jane.follow(jane.client.post(f"{ORDER}/send", data=hidden))
    assert "can already be paid. No other invoice was sent." in jane.follow(
        jane.client.post(f"{ORDER}/send", data=hidden)
    )
    assert len(data_of(world.ask("GET", "/api/stripe/sales-orders/1001/invoices"))) == 1


def test_what_is_filled_in_wrongly_is_said_and_sends_nothing(world):
    integration_id, jane = ready(world), world.visitor()
    for fields in (
        {"integration": integration_id, "amount": "x"},
        {"integration": "x", "amount": "20.00"},
        {"integration": integration_id, "amount": "20.00", "email": "nobody"},
        {"amount": "20.00"},
    ):
        assert jane.post(f"{ORDER}/send", fields, form=ORDER).status_code == 422, fields
    too_much = {"integration": integration_id, "amount": "500.00"}
    assert "outstanding" in text_of(send(jane, **too_much))
    assert data_of(world.ask("GET", "/api/stripe/sales-orders/1001/invoices")) == []


def test_where_nothing_can_be_sent_it_says_why(world):
    world.put_order()
    jane = world.visitor()
    assert "No integration can take payments now." in text_of(jane.get(f"{ORDER}/send"))
    world.send(world.connect()["id"])
    assert "already has an invoice that can be paid" in text_of(jane.get(f"{ORDER}/send"))


def test_a_viewer_reads_and_sends_nothing(world):
    ready(world)
    viewer = world.visitor(Role.VIEWER)
    assert "Send an invoice" not in text_of(viewer.get(ORDER))
    assert viewer.get(f"{ORDER}/send").status_code == 403
    assert viewer.post(f"{ORDER}/send", {"amount": "1.00"}, form=ORDER).status_code == 403


def test_another_tenants_order_is_not_found(world):
    ready(world)
    theirs = world.visitor(tenant="initech")
    for page in (ORDER, f"{ORDER}/send"):
        assert theirs.get(page).status_code == 404
    fields = {"integration": 1, "amount": "1.00"}
    assert theirs.post(f"{ORDER}/send", fields, form=LIST).status_code == 404
    assert "SO-1001" not in text_of(theirs.get(LIST))


def test_an_order_that_was_not_submitted_since_a_restore_says_so(world):
    ready(world)
    with world.store.writing() as work:
        stored = work.sales_orders.get("acme", 1001, lock=True)
        unsubmitted = stored.__class__(
            **{name: getattr(stored, name) for name in stored.__dataclass_fields__}
            | {"id": 5, "number": "SO-5", "submitted": False}
        )
        work.sales_orders.add(unsubmitted)
        work.commit()
    jane = world.visitor()
    assert "Not submitted since the restore" in text_of(jane.get(LIST))
    page = text_of(jane.get(f"{LIST}/5"))
    assert "found at Stripe after a restore" in page
    assert "Send an invoice" not in page


def test_the_command_on_the_page_sends_it_to_whom_the_page_says(world):
    """Whoever copies it has read another address."""
    asked = {"integration": ready(world), "amount": "20.00", "email": "x;id@example.com"}
    page = text_of(world.visitor().get(f"{ORDER}/send", **asked))
    assert "emails it to x;id@example.com" in page
    assert "--amount 2000 --email 'x;id@example.com'" in page
    without = text_of(world.visitor().get(f"{ORDER}/send", integration=1, amount="20.00"))
    assert "--email" not in without
