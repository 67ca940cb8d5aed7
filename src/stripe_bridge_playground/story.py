"""The main story, printed as it happens: a merchant connects, an order is invoiced, the customer pays, the ERP is told."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stripe_bridge_playground.client import Erp, Json, StripeSide, expect, wait_for
from stripe_bridge_playground.receiver import EXAMPLE, Receiver
from stripe_bridge_playground.settings import HOST, reserved_port
from stripe_bridge_playground.stack import Stack

ORDER_ID = 1001
ORDER: Json = {
    "number": "SO-1001",
    "currency": "usd",
    "total_in_cents": 12_450,
    "customer": {"id": 77, "name": "Jenny Rosen", "email": "jenny@example.com"},
    "lines": [
        {"description": "Oak table", "quantity": "1", "amount_in_cents": 9_900},
        {"description": "Oak chair", "quantity": "2", "amount_in_cents": 3_000},
        {"description": "Loyalty discount", "quantity": "1", "amount_in_cents": -450},
    ],
}
# The events that Stripe sends about a paid invoice, in any order.
SENT_BY_STRIPE = {
    "charge.succeeded",
    "invoice.finalized",
    "invoice.paid",
    "invoice.sent",
    "invoice_payment.paid",
}
SETTLED = {"processed", "skipped"}
# What the ERP is told of them.
TOLD = ("integration.connected", "sales_order.created", "invoice.sent", "invoice.paid")


def updated_now(order: Json) -> Json:
    """As the ERP submits it."""
    return order | {"updated_at": datetime.now(UTC).isoformat().replace("+00:00", "Z")}


def play(stack: Stack) -> None:
    """Print and check everything; raises a Fault at the first thing that is wrong."""
    facts = stack.run
    erp, admin = (
        Erp(stack.http, facts["service"], facts["tokens"][role]) for role in ("power_user", "admin")
    )
    story = _Story(erp, admin, StripeSide(stack.http, facts["emulator"]))
    if not EXAMPLE.is_dir():
        story.play()
        return
    with _receiver(stack, story) as receiver:
        story.play(receiver)


@contextmanager
def _receiver(stack: Stack, story: "_Story") -> Iterator[Receiver]:
    """Registered first, since only the answer has the secret."""
    port = reserved_port()
    secret = story.subscribe(f"http://{HOST}:{port}/changes")
    receiver = Receiver(stack.settings.data_dir, port, secret, lambda line: story.say("told", line.strip()))
    try:
        receiver.start(stack.http)
        yield receiver
    finally:
        receiver.stop()


@dataclass
class _Story:
    erp: Erp
    admin: Erp
    stripe: StripeSide
    _steps: int = 0
    _subscriber: Json = field(default_factory=dict)

    def play(self, receiver: Receiver | None = None) -> None:
        self.stripe.new_exchanges()
        integration = self.connect()
        self.order()
        invoice = self.send(integration)
        self.pay(invoice)
        paid = self.show_paid(invoice)
        self.show_events(paid)
        if receiver is not None:
            self.show_told(receiver)
        whole, cents = divmod(paid["amount_paid"], 100)
        self.say(
            "story",
            f"{paid['number']} is paid, {whole}.{cents:02} {paid['currency']}: everything is as it should be",
        )

    def subscribe(self, url: str) -> str:
        """Returns the secret."""
        self.step("The ERP says where it wants to be told of changes")
        body = {"url": url, "after": 0, "description": "ERP"}
        self.say("ERP", f"POST /api/subscribers  {json.dumps(body)}")
        answer = self.admin.call("POST", "/api/subscribers", body, expected=201)
        self._subscriber, secret = answer["data"], str(answer["secret"])
        self.say("service", "201, with the secret that requests are signed with")
        return secret

    def connect(self) -> Json:
        self.step("The ERP creates an integration and the merchant authorizes it")
        path = "/api/stripe/integrations"
        integration = self.ask("POST", path, {"name": "Rosen Furniture"}, expected=201)
        expect("A new integration", integration, connected=False, sync_status="pending")
        path = f"{path}/{integration['id']}"
        authorize_url = self.ask("POST", f"{path}/authorize", expected=200)["authorize_url"]
        self.say("merchant", f"opens {authorize_url.partition('?')[0]} and approves")
        self.stripe.approve(authorize_url)
        self.overhear()
        integration = self.ask("GET", path, expected=200)
        expect("The authorized integration", integration, connected=True, sync_status="active")
        self.say("service", f"connected to {integration['stripe_account_id']}, which can charge")
        return integration

    def order(self) -> None:
        self.step("The ERP provides a sales order")
        order = updated_now(ORDER)
        stored = self.ask("PUT", f"/api/sales-orders/{ORDER_ID}", order, expected=201)
        expect("The order", stored, outstanding_in_cents=ORDER["total_in_cents"], settled_in_cents=0)

    def send(self, integration: Json) -> Json:
        self.step("The ERP sends an invoice for it")
        body = {"integration_instance_id": integration["id"], "sales_order_id": ORDER_ID}
        invoice = self.ask("POST", "/api/stripe/invoices", body, expected=201)
        self.overhear()
        expect(
            "The sent invoice",
            invoice,
            status="open",
            amount=ORDER["total_in_cents"],
            amount_paid=0,
            currency="USD",
            customer_email=ORDER["customer"]["email"],
        )
        again = self.ask("POST", "/api/stripe/invoices", body, expected=200)
        expect("The invoice when sent again", again, id=invoice["id"])
        return invoice

    def pay(self, invoice: Json) -> None:
        self.step("The customer pays")
        self.say("customer", f"opens {invoice['hosted_invoice_url']} and pays")
        self.stripe.pay(invoice["stripe_invoice_id"])

    def show_paid(self, invoice: Json) -> Json:
        self.step("Stripe's webhooks report the payment to the service")
        path = f"/api/stripe/invoices/{invoice['id']}"
        paid: Json = wait_for(
            "the invoice is paid and its charge known",
            lambda: self.get(path),
            lambda seen: seen["status"] == "paid" and bool(seen["stripe_charge_id"]),
        )
        self.overhear()
        expect("The paid invoice", paid, amount_paid=ORDER["total_in_cents"], amount_refunded=0)
        self.say(
            "service", f"invoice {paid['number']} is {paid['status']}, charge {paid['stripe_charge_id']}"
        )
        order = self.ask("GET", f"/api/sales-orders/{ORDER_ID}", expected=200)
        total = ORDER["total_in_cents"]
        expect("The order", order, outstanding_in_cents=0, settled_in_cents=total, overpaid_in_cents=0)
        return paid

    def show_events(self, paid: Json) -> None:
        self.step("What the service has stored")
        path = f"/api/stripe/invoices/{paid['id']}"
        events = wait_for(
            f"all of {', '.join(sorted(SENT_BY_STRIPE))} are stored and applied",
            lambda: self.get(f"{path}/activity-log"),
            lambda seen: (
                {event["event_type"] for event in seen} >= SENT_BY_STRIPE
                and all(event["status"] in SETTLED for event in seen)
            ),
        )
        mine = [each for each in self.stripe.objects("invoices") if each["status"] == "paid"]
        expect(
            "Stripe's own list of paid invoices",
            {"ids": [each["id"] for each in mine]},
            ids=[paid["stripe_invoice_id"]],
        )
        print(json.dumps(self.get(path), indent=2), flush=True)
        for event in events:
            self.say("webhook", f"{event['event_type']:<28}{event['status']:<11}{event['stripe_event_id']}")

    def show_told(self, receiver: Receiver) -> None:
        self.step("The ERP has been told")
        path = f"/api/subscribers/{self._subscriber['id']}"
        subscriber: Json = wait_for(
            f"{', '.join(TOLD)} were told, and nothing is left to tell",
            lambda: self.admin.call("GET", path, expected=200)["data"],
            lambda seen: seen["behind"] == 0 and receiver.has_told(seen["after"], *TOLD),
        )
        expect("The subscriber", subscriber, enabled=True, last_error=None)
        self.say("service", f"{len(receiver.lines)} changes, signed and in order, each of them once")

    def ask(self, method: str, path: str, body: Json | None = None, *, expected: int) -> Json:
        """Make a call and print it; returns the answer's data."""
        self.say("ERP", f"{method} {path}{'' if body is None else '  ' + json.dumps(body)}")
        answer = self.erp.call(method, path, body, expected=expected)
        self.say("service", f"{expected} {answer.get('message', '')}".rstrip())
        data: Json = answer["data"]
        return data

    def get(self, path: str) -> Any:
        return self.erp.call("GET", path, expected=200)["data"]

    def overhear(self) -> None:
        """Print what the service meanwhile asked of Stripe, and what Stripe answered."""
        for exchange in self.stripe.new_exchanges():
            said = exchange["response"] if isinstance(exchange["response"], dict) else {}
            shown = [str(said[name]) for name in ("id", "status") if said.get(name)]
            asked = f"{exchange['method']} {exchange['path'].partition('?')[0]}"
            self.say("Stripe", f"{exchange['status']} to {asked}  {' '.join(shown)}".rstrip())

    def step(self, title: str) -> None:
        self._steps += 1
        print(f"\n{self._steps}. {title}", flush=True)

    def say(self, who: str, what: str) -> None:
        print(f"   {who:>8}  {what}", flush=True)
