import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from stripe_bridge.domain.refusal import Refusal
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.use_cases.invoices.send import SendInvoiceCommand
from tests.adapters.console.browser import Browser, ConsoleWorld, text_of
from tests.adapters.web.world import data_of

LIST = "/console/invoices"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def invoice(world: ConsoleWorld) -> dict[str, Any]:
    """An open one, of 120.00 EUR."""
    world.put_order()
    sent: dict[str, Any] = data_of(world.send(world.connect()["id"]))
    return sent


def paid(world: ConsoleWorld, invoice: dict[str, Any]) -> str:
    """Its path."""
    world.pay(invoice)
    world.tell_of_payments(invoice)
    return path_of(invoice)


def path_of(invoice: dict[str, Any]) -> str:
    return f"{LIST}/{invoice['id']}"


def refund(browser: Browser, path: str, **fields: str) -> Any:
    """Ask for it, and confirm what the page then says."""
    return browser.client.post(f"{path}/refund", data=browser.hidden(f"{path}/refund", **fields))


def test_an_invoice_is_found_by_whatever_is_typed_in(world, invoice):
    jane = world.visitor()
    for text in (
        "",
        invoice["number"],
        invoice["number"][:3].lower(),
        "JENNY@",
        invoice["stripe_invoice_id"],
        "1001",
    ):
        page = text_of(jane.get(LIST, q=text))
        assert f"{invoice['number']} SO-1001 jenny@example.com Rosen Furniture 120.00 EUR open" in page, text
    assert "No invoices match." in text_of(jane.get(LIST, q="NOBODY"))
    assert "beginning of an invoice number" in text_of(jane.get(LIST, q="NOBODY"))
    found = text_of(jane.get(LIST, q="SO-1001", by="order"))
    assert invoice["number"] in found


def test_the_filters_are_in_the_address_and_in_the_command(world, invoice):
    jane = world.visitor()
    day = world.clock.now().date()
    wanted = {"status": "open", "payment_status": "none", "from": str(day), "until": str(day)}
    page = text_of(jane.get(LIST, **wanted, integration=invoice["integration_instance_id"]))
    assert invoice["number"] in page
    assert "stripe-bridge invoices search --tenant acme --status open --payment-status none" in page
    for other in ({"status": "paid"}, {"payment_status": "failed"}, {"integration": 999}):
        assert "No invoices match." in text_of(jane.get(LIST, **other))
    assert "No invoices match." in text_of(jane.get(LIST, **{"from": "2031-01-01"}))


@pytest.mark.parametrize(
    "query",
    [{"status": "x"}, {"from": "today"}, {"integration": "-1"}, {"by": "name"}, {"q": "\0"}],
)
def test_a_filter_that_makes_no_sense_is_said_so(world, query):
    assert world.visitor().get(LIST, **query).status_code == 422


def test_a_cursor_that_makes_no_sense_is_said_so(world, invoice):
    assert world.visitor().get(LIST, cursor="x").status_code == 422


def test_long_lists_have_pages(world):
    integration_id = world.connect()["id"]
    for order_id in range(1, 61):
        world.put_order(order_id, number=f"SO-{order_id}")
        command = SendInvoiceCommand(
            tenant_id="acme", user_id=None, integration_id=integration_id, sales_order_id=order_id
        )
        world.bridge.invoices.send(command)
    jane = world.visitor()

    def walk(path: str) -> tuple[list[str], list[int]]:
        """The links on all pages, and how many each had."""
        seen: list[str] = []
        sizes: list[int] = []
        next_page: str | None = f"/console/{path}"
        while next_page is not None:
            page = jane.client.get(next_page).get_data(as_text=True)
            links = re.findall(rf'scope="row"><a href="(/console/{path}/\d+)"', page)
            seen, sizes = [*seen, *links], [*sizes, len(links)]
            found = re.search(r'rel="next" href="([^"]+)"', page)
            next_page = None if found is None else unescape(found[1])
        return seen, sizes

    for path in ("invoices", "orders"):
        seen, sizes = walk(path)
        assert sizes == [50, 10], path
        assert len(set(seen)) == 60, path


def test_without_invoices_it_says_what_to_do_next(world):
    page = world.visitor().get(LIST)
    assert "No invoices yet. Send one for an order" in text_of(page)


def test_an_invoice_has_all_that_is_known_of_it_and_one_timeline(world, invoice):
    path = paid(world, invoice)
    jane = world.visitor()
    assert refund(jane, path, amount="20.00").status_code == 303
    page = text_of(jane.get(path))
    for shown in (
        f"Invoice {invoice['number']} paid",
        "Paid 120.00 EUR",
        "Refunded 20.00 EUR",
        "May be refunded 100.00 EUR",
        "jenny@example.com",
        invoice["stripe_invoice_id"],
        "Change invoice.paid status open → paid",
        "Stripe event invoice.paid processed",
        "Call to Stripe refund confirmed by operator jane",
        f"stripe-bridge invoices show {invoice['id']} --tenant acme",
    ):
        assert shown in page, shown


def test_it_offers_what_can_be_done_to_those_who_may(world, invoice):
    def offered(role: Role) -> set[str]:
        page = world.visitor(role).get(path_of(invoice)).get_data(as_text=True)
        return set(re.findall(rf'href="{path_of(invoice)}/([\w-]+)"', page))

    assert offered(Role.VIEWER) == set()
    assert offered(Role.MEMBER) == {"send-again", "void"}
    assert offered(Role.ADMIN) == {"send-again", "void"}
    paid(world, invoice)
    assert offered(Role.MEMBER) == set()
    assert offered(Role.POWER_USER) == {"refund"}


def test_voiding_asks_first_and_says_what_will_happen(world, invoice):
    jane, path = world.visitor(), f"{path_of(invoice)}/void"
    question = text_of(jane.get(path))
    for said in (invoice["number"], "120.00 EUR", "jenny@example.com", "voided for good"):
        assert said in question
    assert "is void. Its order can be invoiced again." in jane.follow(jane.post(path, form=path))
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["status"] == "void"


def test_whoever_is_signed_in_is_who_did_it(world, invoice):
    path = f"{path_of(invoice)}/void"
    jane = world.visitor()
    jane.post(path, form=path)
    voided = world.bridge.invoices.show("acme", invoice["id"]).invoice
    assert (voided.voided_by.type.value, voided.voided_by.id) == ("operator", "jane")


def test_sending_again_asks_first_and_emails_it_once_more(world, invoice):
    world.clock.advance(timedelta(minutes=2))
    jane, path = world.visitor(), f"{path_of(invoice)}/send-again"
    assert "Stripe emails it to jenny@example.com once more" in text_of(jane.get(path))
    assert "again." in jane.follow(jane.post(path, form=path))
    assert "less than a minute ago" in text_of(jane.post(path, form=path))


def test_a_refund_is_asked_for_then_confirmed_with_its_amount_and_customer(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    form = jane.get(f"{path}/refund")
    assert 'value="120.00"' in form.get_data(as_text=True)
    question = text_of(jane.get(f"{path}/refund", amount="25.00", reason="duplicate"))
    assert "Refund 25.00 EUR?" in question
    assert "--amount 2500 --reason duplicate" in question
    assert "jenny@example.com" in question
    assert "25.00 EUR of Invoice" in jane.follow(refund(jane, path, amount="25.00", reason="duplicate"))
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 2_500


def test_a_refund_confirmed_twice_is_made_once(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    hidden = jane.hidden(f"{path}/refund", amount="25.00")
    for _ in range(2):
        assert jane.client.post(f"{path}/refund", data=hidden).status_code == 303
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 2_500
    assert refund(jane, path, amount="25.00").status_code == 303
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 5_000


def test_two_tabs_that_ask_for_the_same_refund_make_one_and_the_next_page_says_what_was_refunded(
    world, invoice
):
    path, jane = paid(world, invoice), world.visitor()
    tabs = [jane.get(f"{path}/refund", amount="25.00").get_data(as_text=True) for _ in range(2)]
    assert "Refunded before" not in tabs[0]
    for tab in tabs:
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', tab))
        assert jane.client.post(f"{path}/refund", data=hidden).status_code == 303
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 2_500
    again = jane.get(f"{path}/refund", amount="25.00")
    assert "Refunded before 25.00 EUR" in text_of(again)


def test_a_refund_that_stripe_refused_can_be_asked_for_again(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    world.stripe.fail_next(
        "create_refund", GatewayRefused("no", refusal=Refusal(message="Insufficient funds"))
    )
    assert "Insufficient funds" in text_of(refund(jane, path, amount="25.00"))
    assert "is refunded" in jane.follow(refund(jane, path, amount="25.00"))


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("25,00", "Use digits and a point, such as 1234.50."),
        ("-1", "Use digits and a point"),
        ("25.001", "EUR has 2 decimal places."),
        ("0", "Must be more than zero"),
    ],
)
def test_an_amount_that_is_none_is_asked_for_again(world, invoice, amount, said):
    path, jane = paid(world, invoice), world.visitor()
    asked = jane.get(f"{path}/refund", amount=amount)
    assert asked.status_code == 422
    assert said in text_of(asked)
    assert f'name="amount" value="{amount}"' in asked.get_data(as_text=True)
    fields = {"amount": amount, "form_key": "0" * 32}
    assert jane.post(f"{path}/refund", fields, form=path).status_code == 422


def test_a_refund_is_not_made_without_having_been_confirmed(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    for fields in ({}, {"amount": "5.00"}, {"amount": "5.00", "form_key": "mine"}):
        answer = jane.post(f"{path}/refund", fields, form=path)
        assert answer.status_code == 422
    assert data_of(world.ask("GET", f"/api/stripe/invoices/{invoice['id']}"))["amount_refunded"] == 0


def test_more_than_can_be_refunded_is_refused_in_a_sentence(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    answer = refund(jane, path, amount="500.00")
    assert answer.status_code == 422
    assert "refund" in text_of(answer).lower()


def test_what_stripe_refuses_is_said_in_its_words(world, invoice):
    path, jane = paid(world, invoice), world.visitor()
    said = Refusal(message="Insufficient funds", request_id="req_1")
    world.stripe.fail_next("create_refund", GatewayRefused("no", refusal=said))
    page = text_of(refund(jane, path, amount="5.00"))
    assert "Insufficient funds" in page
    assert "req_1" in page


def test_another_tenants_invoice_is_not_found_whatever_is_done_with_it(world, invoice):
    theirs, path = world.visitor(tenant="initech"), path_of(invoice)
    for page in ("", "/void", "/refund", "/send-again"):
        assert theirs.get(path + page).status_code == 404
    for act in ("/void", "/refund", "/send-again"):
        assert theirs.post(path + act, {"amount": "1", "form_key": "0" * 32}, form=LIST).status_code == 404
    for text in ("", invoice["number"], invoice["stripe_invoice_id"], "jenny@", "1001"):
        assert path not in theirs.get(LIST, q=text).get_data(as_text=True)


def test_what_erp_and_stripe_say_is_shown_as_text(world):
    world.put_order(number=HOSTILE, customer={"id": 7, "name": HOSTILE, "email": '"<b>"@example.com'})
    integration = world.connect(business_url="javascript:alert(1)", display_name=HOSTILE)
    sent = data_of(world.send(integration["id"]))
    jane = world.visitor()
    for path in (
        LIST,
        f"{LIST}?q={HOSTILE}",
        path_of(sent),
        f"{path_of(sent)}/void",
        "/console/orders",
        f"/console/orders?q={HOSTILE}",
        "/console/orders/1001",
        "/console/orders/1001/send",
        "/console/integrations",
        f"/console/integrations/{integration['id']}",
        f"/console/integrations/{integration['id']}/disconnect",
    ):
        page = jane.client.get(path)
        assert page.status_code == 200, path
        html = page.get_data(as_text=True)
        assert "<script>alert" not in html, path
        assert "<b>" not in html, path
        assert 'href="javascript:' not in html, path


def test_a_pay_link_that_is_not_https_is_not_one(world, invoice):
    jane, said = world.visitor(), "The page where the customer pays"
    assert said in text_of(jane.get(path_of(invoice)))
    with world.store.writing() as work:
        stored = work.invoices.get("acme", invoice["id"], lock=True)
        work.invoices.save(replace(stored, hosted_invoice_url="javascript:alert(1)"))
        work.commit()
    assert said not in text_of(jane.get(path_of(invoice)))
