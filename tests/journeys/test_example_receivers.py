"""The receivers that docs/receiving-changes.md shows hold each change once, and nothing that the service has not signed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from stripe_bridge.domain.access import Role
from tests.journeys.combinations import SQLITE, on
from tests.journeys.people import Erp, Json, data_of
from tests.servers.example_receivers import (
    Held,
    JavaReceiver,
    NodeReceiver,
    PhpReceiver,
    PythonReceiver,
    Receiver,
    require,
)
from tests.servers.relay import CUT_AFTER, FAIL_BEFORE, Relay, Relayed
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, on(SQLITE)]
OTHER_SECRET = "whsec_" + "QUFB" * 10 + "QUE="


class Subscription:
    """A receiver with a relay before it, subscribed to all changes of an ERP."""

    def __init__(self, erp: Erp, receiver: Receiver, relay: Relay) -> None:
        self.erp, self.receiver, self.relay = erp, receiver, relay
        body = {"url": f"{relay.url}/changes", "after": 0}
        answer = erp.ask("POST", "/api/subscribers", body, role=Role.ADMIN)
        assert answer.status_code == 201, answer.text
        self.secret: str = answer.json()["secret"]
        self.path = f"/api/subscribers/{answer.json()['data']['id']}"
        receiver.start(self.secret)

    def ask(self, method: str, path: str = "", body: Any = None) -> Any:
        return data_of(self.erp.ask(method, self.path + path, body, role=Role.ADMIN), 200)

    def feed(self) -> Held:
        """All but acts."""
        answer = self.erp.ask("GET", "/api/changes", params={"limit": 500})
        return [(each["sequence"], each["hash"]) for each in answer.json()["data"] if each["type"] != "act"]

    def is_up_to_date(self) -> bool:
        return self.receiver.held() == self.feed()

    def taken(self) -> int:
        """How many changes the receiver said it has taken, each as often as it did."""
        pages = [json.loads(each.body) for each in self.relay.relayed if each.taken == 204]
        return sum(len(page["data"]) for page in pages)

    def last_delivery(self) -> Relayed:
        return wait_until(lambda: [each for each in self.relay.relayed if each.taken == 204])[-1]

    def signed(
        self, page: Json, *, age: timedelta = timedelta(), secret: str = ""
    ) -> tuple[bytes, dict[str, str]]:
        """A request as the service would make it."""
        body, at = json.dumps(page).encode(), datetime.now(UTC) - age
        signature = Webhook(secret or self.secret).sign("msg_1", at, body.decode())
        return body, {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    def answers(self, page: Json) -> int:
        return self.receiver.post(*self.signed(page)).status_code


@pytest.fixture(params=[PythonReceiver, NodeReceiver, PhpReceiver, JavaReceiver])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Receiver]:
    require(*request.param.needs)
    example = request.param(tmp_path)
    yield example
    example.kill()


@pytest.fixture
def mishaps() -> list[str]:
    """What happens to the next requests."""
    return []


@pytest.fixture
def subscription(erp: Erp, receiver: Receiver, mishaps: list[str]) -> Iterator[Subscription]:
    with Relay(receiver.url, lambda: mishaps.pop(0) if mishaps else None) as relay:
        yield Subscription(erp, receiver, relay)


def test_it_holds_each_change_once_and_in_order_though_answers_are_lost_and_it_is_killed(
    subscription: Subscription, mishaps: list[str]
):
    erp, receiver = subscription.erp, subscription.receiver
    mishaps[:] = [CUT_AFTER]
    integration = erp.connect()
    erp.new_order()
    wait_until(subscription.is_up_to_date)
    receiver.kill()
    invoice = erp.paid(integration)
    receiver.start(subscription.secret)
    mishaps[:] = [FAIL_BEFORE, CUT_AFTER]
    data_of(erp.refund(invoice), 201)
    # It is not asked again for a while; an administrator says that it is up.
    subscription.ask("PATCH", body={"enabled": False})
    subscription.ask("PATCH", body={"enabled": True})
    wait_until(subscription.is_up_to_date)
    sequences = [sequence for sequence, _ in receiver.held()]
    assert sequences == sorted(set(sequences))
    # The relay notes a page after its receiver has stored it.
    wait_until(lambda: subscription.taken() > len(sequences))


def test_it_takes_only_what_the_service_has_signed(subscription: Subscription):
    erp, receiver = subscription.erp, subscription.receiver
    erp.new_order()
    wait_until(subscription.is_up_to_date)
    held, real = receiver.held(), subscription.last_delivery()
    signature = {name: real.headers[name] for name in real.headers if name.startswith("webhook-")}
    for body, headers in (
        (real.body.replace(b"sales_order.created", b"sales_order.updated"), signature),
        (real.body + b" ", signature),
        (real.body, {**signature, "webhook-id": "msg_other"}),
        (real.body, {**signature, "webhook-timestamp": str(int(signature["webhook-timestamp"]) + 1)}),
        (real.body, {**signature, "webhook-timestamp": "yesterday"}),
        (real.body, {**signature, "webhook-signature": "v1,bm90IHNpZ25lZA=="}),
        (real.body, {**signature, "webhook-signature": "unsigned"}),
        (real.body, {**signature, "webhook-signature": signature["webhook-signature"].replace("v1,", "v2,")}),
        (real.body, {}),
        subscription.signed(json.loads(real.body), secret=OTHER_SECRET),
        subscription.signed(json.loads(real.body), age=timedelta(minutes=6)),
        subscription.signed(json.loads(real.body), age=timedelta(minutes=-6)),
    ):
        assert receiver.post(body, headers).status_code == 401, headers
    assert receiver.held() == held
    both = f"v1,bm90IHNpZ25lZA== {signature['webhook-signature']}"
    assert receiver.post(real.body, {**signature, "webhook-signature": both}).status_code == 204
    assert receiver.held() == held
    assert subscription.ask("POST", "/ping")["status"] == 204


def test_it_goes_on_through_a_rotation_with_the_secret_that_it_has(subscription: Subscription):
    data_of(subscription.erp.ask("POST", f"{subscription.path}/rotate-secret", role=Role.ADMIN), 200)
    subscription.erp.new_order()
    wait_until(subscription.is_up_to_date)
    assert len(subscription.last_delivery().headers["webhook-signature"].split()) == 2


def test_it_refuses_another_history_and_stops_where_it_would_miss_something(subscription: Subscription):
    erp, receiver = subscription.erp, subscription.receiver
    erp.new_order(1001)
    erp.new_order(1002)
    wait_until(subscription.is_up_to_date)
    held = receiver.held()
    (first, first_hash), (last, last_hash) = held[0], held[-1]
    log = json.loads(subscription.last_delivery().body)["log"]
    entry = {"sequence": last + 1, "hash": "e" * 64, "type": "new.type"}
    follows = {"type": "changes", "log": log, "after": last, "after_hash": last_hash, "data": [entry]}
    assert subscription.answers({**follows, "log": "log_other"}) == 409
    assert subscription.answers({**follows, "after_hash": "f" * 64}) == 409
    assert subscription.answers({**follows, "after": first, "after_hash": "f" * 64}) == 409
    repeated = {"sequence": last, "hash": "f" * 64, "type": "sales_order.created"}
    assert (
        subscription.answers({**follows, "after": first, "after_hash": first_hash, "data": [repeated]}) == 409
    )
    assert subscription.answers({**follows, "after": last + 1, "after_hash": "e" * 64}) == 503
    assert receiver.held() == held
    assert subscription.answers(follows) == 204
    assert receiver.held() == [*held, (last + 1, "e" * 64)]
