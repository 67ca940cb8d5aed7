"""The main story from beginning to end, as the change log tells it: what happened, who did it, and why."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import POSTGRES, POSTGRES_REDIS, SQLITE, SQLITE_REDIS, on
from tests.journeys.people import Erp, Json, data_of
from tests.journeys.stack import Stack

pytestmark = on(SQLITE, SQLITE_REDIS, POSTGRES, POSTGRES_REDIS)


class Log:
    """Reads the tenant's whole log as its administrator, part by part."""

    def __init__(self, erp: Erp) -> None:
        self.erp = erp
        for role in Role:
            erp.token(role)
        self.after = 0
        self.next()

    def next(self) -> list[Json]:
        """What is new, but for when events were confirmed at Stripe: that is ten seconds later, in the middle of anything."""
        answer = self.erp.ask(
            "GET", "/api/changes", params={"after": self.after, "limit": 500}, role=Role.ADMIN
        )
        assert answer.status_code == 200, answer.text
        self.after = answer.json()["next_after"]
        found: list[Json] = answer.json()["data"]
        return [each for each in found if not _confirms(each)]


def _confirms(entry: Json) -> bool:
    return bool(entry["type"] == "invoice.updated" and entry["cause"].get("job") == "confirm_settlements")


def types(entries: list[Json]) -> list[str]:
    return [each["type"] for each in entries]


def by(actor_type: str, id_: Any = ...) -> Callable[[Json], bool]:
    def did(entry: Json) -> bool:
        actor = entry["actor"]
        return actor["type"] == actor_type and (id_ is ... or actor["id"] == id_)

    return did


@contextmanager
def webhooks_late(stack: Stack) -> Iterator[None]:
    """What is heard of first, Stripe's answer or its webhook, decides who is said to have done it: here, the answer is."""
    with stack.misbehaving({"deliveries": {"hold": True}}):
        yield
    stack.control.release()


@pytest.fixture
def log(erp: Erp) -> Log:
    return Log(erp)


def test_the_main_story_is_told_with_who_did_what_and_why(stack: Stack, erp: Erp, log: Log):
    integration = erp.connect()
    merchant = by("stripe", integration["stripe_account_id"])
    created, connected = log.next()
    assert types([created, connected]) == ["integration.created", "integration.connected"]
    assert by("token")(created)
    assert created["cause"]["operation"] == "create_integration"
    assert merchant(connected), "He agreed at Stripe; no caller of ours did."

    invoice = a_paid_invoice_is_told(stack, erp, log, integration)
    refunds_are_told(stack, erp, log, invoice)
    a_dispute_is_told(stack, erp, log, invoice)
    a_void_is_told(stack, erp, log, integration)
    acts_are_told(erp, log, invoice)

    erp.disconnect(integration["id"])
    (disconnected,) = log.next()
    assert disconnected["type"] == "integration.disconnected"
    assert by("token")(disconnected)
    assert disconnected["cause"]["operation"] == "disconnect_integration"


def a_send_is_told(stack: Stack, erp: Erp, log: Log, integration: Json, order_id: int) -> Json:
    erp.new_order(order_id)
    with webhooks_late(stack):
        invoice = erp.sent(integration, order_id)
    erp.applied(invoice, "invoice.finalized", "invoice.sent")
    order, *sending = log.next()
    assert types([order]) == ["sales_order.created"]
    assert types(sending) == ["invoice.created", "invoice.updated", "invoice.updated", "invoice.sent"]
    assert {each["cause"]["operation"] for each in sending} == {"send_invoice"}
    assert len({each["cause"]["request_id"] for each in sending}) == 1
    assert all(by("token", sending[0]["actor"]["id"])(each) for each in sending)
    assert order["actor"]["id"] != sending[0]["actor"]["id"], "Two tokens were used."
    return invoice


def a_paid_invoice_is_told(stack: Stack, erp: Erp, log: Log, integration: Json) -> Json:
    invoice = a_send_is_told(stack, erp, log, integration, 1001)
    stack.control.pay(invoice["stripe_invoice_id"])
    erp.applied(invoice, "invoice.paid", "charge.succeeded", "invoice_payment.paid")
    told = log.next()
    assert sorted(types(told)) == ["invoice.paid", "invoice.updated"]
    assert all(map(by("stripe", integration["stripe_account_id"]), told))
    received = {each["stripe_event_id"]: each["event_type"] for each in erp.activity(invoice)}
    causes = {each["type"]: received[each["cause"]["stripe_event_id"]] for each in told}
    assert causes["invoice.paid"] in ("invoice.paid", "invoice.updated")
    (paid,) = [each for each in told if each["type"] == "invoice.paid"]
    assert paid["sales_order"]["outstanding_in_cents"] == 0
    return erp.invoice(invoice)


def refunds_are_told(stack: Stack, erp: Erp, log: Log, invoice: Json) -> None:
    with webhooks_late(stack):
        data_of(erp.refund(invoice, amount_in_cents=1_000), 201)
    erp.applied(invoice, "charge.refunded")
    told = log.next()
    assert types(told) == ["refund.created", "refund.succeeded", "invoice.updated"]
    assert all(map(by("token"), told))
    assert (told[0]["object"]["source"], told[0]["cause"]["operation"]) == ("api", "issue_refund")
    assert told[-1]["sales_order"]["outstanding_in_cents"] == 1_000

    command = ["refunds", "--as", "Ada", "issue", str(invoice["id"]), "--tenant", erp.tenant]
    with webhooks_late(stack):
        stack.command(*command, "--amount", "2000", "--yes")
    erp.applied(invoice, "charge.refunded", "charge.refunded")
    told = log.next()
    assert types(told) == ["refund.created", "refund.succeeded", "invoice.updated"]
    assert by("operator", os.environ.get("SUDO_USER") or getpass.getuser())(told[0])
    assert (told[0]["object"]["source"], told[0]["cause"]["operator"]) == ("cli", "Ada")
    assert told[-1]["sales_order"]["outstanding_in_cents"] == 3_000
    assert {each["actor"]["type"] for each in told} == {"operator"}


def a_dispute_is_told(stack: Stack, erp: Erp, log: Log, invoice: Json) -> None:
    dispute = stack.control.dispute(invoice["stripe_charge_id"])
    erp.invoice_with(invoice, dispute_status="needs_response")
    opened = log.next()
    assert types(opened) == ["dispute.opened", "invoice.updated"]
    stack.control.change_dispute(dispute["id"], "lost")
    erp.invoice_with(invoice, dispute_status="lost")
    closed = log.next()
    assert types(closed) == ["dispute.closed", "invoice.updated"]
    assert all(map(by("stripe", invoice["stripe_account_id"]), opened + closed))
    assert closed[0]["sales_order"]["outstanding_in_cents"] > opened[0]["sales_order"]["outstanding_in_cents"]


def a_void_is_told(stack: Stack, erp: Erp, log: Log, integration: Json) -> None:
    invoice = a_send_is_told(stack, erp, log, integration, 1002)
    with webhooks_late(stack):
        data_of(erp.void(invoice), 200)
    erp.applied(invoice, "invoice.voided")
    (voided,) = log.next()
    assert voided["type"] == "invoice.voided"
    assert by("token")(voided)
    assert voided["object"]["voided_by"] == voided["actor"]
    assert voided["cause"]["operation"] == "void_invoice"


def acts_are_told(erp: Erp, log: Log, invoice: Json) -> None:
    path = f"/api/stripe/invoices/{invoice['id']}/refunds"
    assert erp.ask("POST", path, {}, role=Role.VIEWER).status_code == 403
    event = erp.activity(invoice)[0]
    answer = erp.ask("POST", f"/api/stripe/webhook-events/{event['id']}/replay")
    assert answer.ok, answer.text
    denied, replayed = log.next()
    assert types([denied, replayed]) == ["request.denied", "webhook_event.replayed"]
    assert all(map(by("token"), [denied, replayed]))
    assert denied["object"] == {"operation": "issue_refund", "path": path}
    assert replayed["subject"]["id"] == event["id"]
