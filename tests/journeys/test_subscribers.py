"""The ERP is told: paid invoices reach its receiver in order, signed, and nothing is lost while it is down."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from stripe_bridge.domain.access import Role
from tests.journeys.changes_receiver import ChangesReceiver
from tests.journeys.combinations import POSTGRES_DRAMATIQ, POSTGRES_MANY, POSTGRES_REDIS, SQLITE, on
from tests.journeys.people import Erp, data_of, problem
from tests.waiting import wait_until

PATH = "/api/subscribers"


@pytest.fixture
def receiver() -> Iterator[ChangesReceiver]:
    with ChangesReceiver() as started:
        yield started


def subscribe(erp: Erp, receiver: ChangesReceiver, **given: Any) -> dict[str, Any]:
    answer = erp.ask("POST", PATH, {"url": receiver.url, "after": 0} | given, role=Role.ADMIN)
    assert answer.status_code == 201, answer.text
    receiver.secrets = [answer.json()["secret"]]
    created: dict[str, Any] = answer.json()["data"]
    return created


def ask(erp: Erp, method: str, path: str, body: Any = None) -> Any:
    return data_of(erp.ask(method, path, body, role=Role.ADMIN), 200)


def feed_of(erp: Erp) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = erp.ask("GET", "/api/changes?limit=500", role=Role.ADMIN).json()["data"]
    return [entry for entry in data if not entry["type"].startswith(("token.", "subscriber.", "request."))]


@on(SQLITE, POSTGRES_REDIS, POSTGRES_DRAMATIQ, POSTGRES_MANY)
def test_a_paid_invoice_reaches_the_receiver_in_order_and_signed(erp: Erp, receiver: ChangesReceiver):
    subscriber = subscribe(erp, receiver)
    integration = erp.connect()
    for order_id in (1001, 1002, 1003):
        erp.new_order(order_id)
        erp.paid(integration, order_id)
    wait_until(lambda: len(receiver.chain.held) >= len(feed_of(erp)))
    assert receiver.chain.held == feed_of(erp)
    assert receiver.types().count("invoice.paid") == 3
    assert receiver.rejected == []
    assert (receiver.chain.repeated, receiver.most_at_once) == (0, 1)
    paid = next(entry for entry in receiver.chain.held if entry["type"] == "invoice.paid")
    assert paid["sales_order"]["outstanding_in_cents"] == 0
    assert paid["object"]["status"] == "paid"
    for page, following in pairwise(receiver.pages):
        last = page["data"][-1]
        assert (following["after"], following["after_hash"]) == (last["sequence"], last["hash"])

    def is_up_to_date() -> bool:
        shown = ask(erp, "GET", f"{PATH}/{subscriber['id']}")
        return bool(
            shown["behind"] == 0 and shown["last_success_at"] and shown["after"] == receiver.chain.after
        )

    wait_until(is_up_to_date)


@on(SQLITE, POSTGRES_REDIS)
def test_a_receiver_that_was_down_gets_everything_once_it_is_up(erp: Erp, receiver: ChangesReceiver):
    receiver.answers = [503, 302]
    subscriber = subscribe(erp, receiver, types=["sales_order.*"])
    erp.new_order(1001)
    erp.new_order(1002)
    receiver.wait_for("sales_order.created")
    wait_until(lambda: len(receiver.chain.held) == 2)
    assert receiver.pages[0]["after"] == 0

    def attempts() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = ask(erp, "GET", f"{PATH}/{subscriber['id']}/deliveries")
        return listed[::-1][:3]

    # An attempt is recorded once its answer has come.
    wait_until(lambda: [each["status"] for each in attempts()] == [503, 302, 200])
    assert attempts()[0]["error"] == "The receiver answered 503"


@on(SQLITE, POSTGRES_REDIS)
def test_a_ping_and_a_rotation(erp: Erp, receiver: ChangesReceiver):
    subscriber = subscribe(erp, receiver)
    path = f"{PATH}/{subscriber['id']}"
    assert ask(erp, "POST", f"{path}/ping")["status"] == 204
    [former] = receiver.secrets
    answer = erp.ask("POST", f"{path}/rotate-secret", role=Role.ADMIN)
    new = answer.json()["secret"]
    # Verified with each of them.
    receiver.secrets = [former, new]
    erp.new_order()
    receiver.wait_for("sales_order.created")
    receiver.secrets = ["whsec_" + "QUFB" * 10 + "QUE="]
    assert ask(erp, "POST", f"{path}/ping")["status"] == 401


@on(SQLITE, POSTGRES_REDIS)
def test_410_disables_and_enabling_goes_on_where_it_was(erp: Erp, receiver: ChangesReceiver):
    receiver.answers = [410]
    subscriber = subscribe(erp, receiver)
    path = f"{PATH}/{subscriber['id']}"
    erp.new_order()
    wait_until(lambda: ask(erp, "GET", path)["disabled_reason"] == "gone")
    erp.new_order(1002)
    ask(erp, "PATCH", path, {"enabled": True})
    wait_until(lambda: receiver.types() == ["sales_order.created"] * 2)


@on(SQLITE, POSTGRES_REDIS)
def test_409_stops_delivery_and_sends_until_it_is_resolved(erp: Erp, receiver: ChangesReceiver):
    integration = erp.connect()
    receiver.answers = [409]
    subscriber = subscribe(erp, receiver)
    path = f"{PATH}/{subscriber['id']}"
    erp.new_order()
    wait_until(lambda: ask(erp, "GET", path)["disabled_reason"] == "history-changed")
    assert erp.send(integration).status_code == 503
    findings = {finding.subject: finding for finding in erp.stack.operator.operations.diagnose()}
    assert "holds other changes" in findings[f"subscriber {subscriber['id']} of tenant {erp.tenant}"].what
    assert f"tenant {erp.tenant}" in findings
    erp.stack.operator.changes.resume_sends(erp.tenant)
    ask(erp, "POST", f"{path}/resume", {"after": 0})
    receiver.wait_for("sales_order.created")
    assert erp.sent(integration)["status"] == "open"
    receiver.wait_for("invoice.sent")


@on(SQLITE)
def test_an_address_that_is_not_allowed_is_refused(erp: Erp):
    for url, why in (
        ("http://169.254.169.254/latest/meta-data", "never allowed"),
        ("https://10.0.0.1/", "private address"),
        ("https://[::1]/", "private address"),
        ("https://user:password@127.0.0.1/", "user name"),
        ("ftp://127.0.0.1/", "https"),
    ):
        body = problem(erp.ask("POST", PATH, {"url": url}, role=Role.ADMIN), 422)
        assert why in body["errors"]["url"][0]
    assert ask(erp, "GET", PATH) == []
