"""The control API over HTTP, the wire log, and the pages."""

import json

import requests
import stripe


def post(emulator, path, **body):
    return requests.post(f"{emulator.url}/_emulator/{path}", json=body or None, timeout=60)


def test_an_invoice_is_paid_by_a_post_without_a_body(emulator, shop):
    invoice = shop.open(500)
    answer = post(emulator, f"invoices/{invoice.id}/pay")
    assert (answer.status_code, answer.json()["status"]) == (200, "paid")


def test_outcome_and_amount_come_in_the_body(emulator, shop):
    invoice = shop.open(500)
    assert (
        post(emulator, f"invoices/{invoice.id}/pay", outcome="succeed", amount=200).json()["amount_paid"]
        == 200
    )
    assert post(emulator, f"invoices/{invoice.id}/pay", outcome="decline").json()["status"] == "open"
    assert post(emulator, f"invoices/{invoice.id}/pay", outcome="processing").status_code == 200
    settled = post(emulator, f"invoices/{invoice.id}/settle-processing", outcome="succeed")
    assert settled.json()["status"] == "paid"


def test_refusals_come_in_stripes_shape(emulator, shop):
    for path, body, status in (
        (f"invoices/{shop.paid().id}/pay", {}, 400),
        ("invoices/in_nothing/pay", {}, 404),
        (f"invoices/{shop.open().id}/pay", {"outcome": "vanish"}, 400),
        (f"invoices/{shop.open().id}/pay", {"colour": "red"}, 400),
        ("accounts/acct_nothing/revoke", {}, 404),
        ("refunds/re_nothing", {"status": "failed"}, 404),
    ):
        answer = post(emulator, path, **body)
        assert answer.status_code == status, path
        assert answer.json()["error"]["message"]


def test_what_cannot_be_read_is_refused_and_changes_nothing(emulator, shop):
    invoice = shop.open(500).id
    for body in ("{", "[]", "\xff", '{"amount": 1.5}', '{"amount": "5"}', '{"amount": 5e0}'):
        answer = requests.post(
            f"{emulator.url}/_emulator/invoices/{invoice}/pay", data=body.encode("latin-1"), timeout=60
        )
        assert (answer.status_code, bool(answer.json()["error"]["message"])) == (400, True), body
    unread = requests.put(f"{emulator.url}/_emulator/misbehavior", data="{", timeout=60)
    assert (unread.status_code, bool(unread.json()["error"]["message"])) == (400, True)
    assert shop.v1.invoices.retrieve(invoice, {}, shop.options).amount_paid == 0


def test_dashboard_actions_come_by_post(emulator, shop):
    charge = shop.charge_of(shop.paid(1000).id).id
    refund = post(emulator, f"charges/{charge}/refund", amount=300).json()
    assert (refund["amount"], refund["status"]) == (300, "succeeded")
    assert post(emulator, f"refunds/{refund['id']}", status="failed").json()["status"] == "failed"
    dispute = post(emulator, f"charges/{charge}/dispute", kind="inquiry").json()
    assert (
        post(emulator, f"disputes/{dispute['id']}", status="warning_closed").json()["status"]
        == "warning_closed"
    )
    invoice = shop.open(1000).id
    assert post(emulator, f"invoices/{invoice}/credit-note", amount=100).json()["amount"] == 100
    session = post(emulator, "checkout-sessions", invoice=invoice).json()
    assert session["invoice"] == invoice
    assert post(emulator, f"invoices/{invoice}/mark-uncollectible").json()["status"] == "uncollectible"
    assert post(emulator, f"invoices/{shop.open().id}/void").json()["status"] == "void"


def test_objects_are_all_there_with_their_accounts_in_order(emulator, platform, shop):
    first, second = shop.customer(), platform.v1.customers.create({})
    listed = requests.get(f"{emulator.url}/_emulator/objects/customers", timeout=60).json()["data"]
    assert [(one["id"], one["account"]) for one in listed] == [
        (first.id, shop.account),
        (second.id, "acct_emulatorplatform"),
    ]
    for secret in ("oauth_tokens", "secret_keys", "nonsense"):
        assert requests.get(f"{emulator.url}/_emulator/objects/{secret}", timeout=60).status_code == 404


def test_a_merchant_revokes_in_the_dashboard(emulator, shop):
    assert post(emulator, f"accounts/{shop.account}/revoke").json() == {
        "account": shop.account,
        "connected": False,
    }
    assert post(emulator, f"accounts/{shop.account}/revoke").status_code == 401


def test_misbehavior_is_put_and_read(emulator):
    url = f"{emulator.url}/_emulator/misbehavior"
    setting = {"calls": [{"effect": "rate_limit", "next": 2}]}
    assert requests.put(url, json=setting, timeout=60).json()["setting"] == setting
    assert requests.get(url, timeout=60).json() == {"setting": setting, "seen": [0]}
    assert requests.put(url, json={"calls": [{"effect": "explode"}]}, timeout=60).status_code == 400


def test_a_reset_removes_everything_but_the_platform(emulator, platform, shop):
    shop.paid()
    assert post(emulator, "reset").status_code == 200
    assert emulator.control.objects("invoices") == []
    assert [account["id"] for account in emulator.control.objects("accounts")] == ["acct_emulatorplatform"]
    assert platform.v1.customers.create({}).id


def test_the_wire_log_has_a_line_per_call_without_secrets(emulator, platform, shop, receiver):
    secret = platform.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]}).secret
    customer = shop.customer(name="A & B")
    log = requests.get(f"{emulator.url}/_emulator/wire-log", timeout=60).text
    assert emulator.settings.secret_key not in log
    assert secret not in log
    exchange = json.loads(log.splitlines()[-1])
    assert (exchange["method"], exchange["path"], exchange["status"]) == ("POST", "/v1/customers", 200)
    assert "name=A" in exchange["body"]
    assert exchange["response"]["id"] == customer.id
    headers = {name.lower(): value for name, value in exchange["headers"].items()}
    assert headers["stripe-version"] == stripe.api_version
    assert headers["authorization"] == "Bearer [redacted]"


def test_the_start_page_shows_the_state_to_a_person(emulator, shop, receiver):
    empty = requests.get(emulator.url, timeout=60).text
    assert "None yet" in empty
    invoice = shop.open(123_456, customer=shop.customer(name="<Anna>", email="anna@example.com").id)
    emulator.control.misbehave({"deliveries": {"drop": 1}})
    page = requests.get(emulator.url, timeout=60).text
    for shown in (
        invoice.number,
        "$1,234.56",
        "&lt;Anna&gt;",
        "anna@example.com",
        "drop",
        invoice.hosted_invoice_url,
    ):
        assert shown in page


def test_a_customer_pays_on_the_hosted_page(shop):
    invoice = shop.open(500, footer="Thanks")
    page = requests.get(invoice.hosted_invoice_url, timeout=60).text
    assert "Pay $5.00" in page
    assert "Thanks" in page
    declined = requests.post(invoice.hosted_invoice_url, data={"outcome": "decline"}, timeout=60)
    assert "Your card was declined." in declined.text
    paid = requests.post(invoice.hosted_invoice_url, data={"outcome": "succeed"}, timeout=60)
    assert "Your payment went through" in paid.text or "your payment went through" in paid.text
    assert "Pay $5.00" not in paid.text
    assert shop.read(invoice.id).status == "paid"
    again = requests.post(invoice.hosted_invoice_url, data={"outcome": "succeed"}, timeout=60)
    assert "Invoice is already paid" in again.text


def test_a_bank_debit_is_settled_on_the_hosted_page(shop):
    invoice = shop.open(500)
    waiting = requests.post(invoice.hosted_invoice_url, data={"outcome": "processing"}, timeout=60)
    assert "The bank has not decided yet" in waiting.text
    requests.post(invoice.hosted_invoice_url, data={"outcome": "settle"}, timeout=60)
    assert shop.read(invoice.id).status == "paid"


def test_the_links_of_an_invoice_and_a_charge_answer(shop):
    invoice = shop.paid(500)
    pdf = requests.get(invoice.invoice_pdf, timeout=60)
    assert (pdf.headers["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    in_euro = requests.get(shop.open(500, currency="eur").invoice_pdf, timeout=60)
    assert "Total: €5.00".encode("cp1252") in in_euro.content
    receipt = requests.get(shop.charge_of(invoice.id).receipt_url, timeout=60)
    assert "$5.00" in receipt.text
    assert requests.get(invoice.hosted_invoice_url + "x", timeout=60).status_code == 404
