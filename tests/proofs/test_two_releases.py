"""What the former release has written this one reads, and workers of both drain one queue."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.adapters.vault import FernetVault
from stripe_bridge.domain.receiver import PLATFORM_KINDS
from stripe_bridge.domain.webhook_event import EventStatus
from stripe_bridge.use_cases.changes.existing import RecordExisting
from stripe_emulator.control import Control
from stripe_emulator.server import EmulatorServer
from tests.fakes.system import FrozenClock
from tests.former_release import unpack_release
from tests.proofs.releases import CURRENT, Client, Json, Upgrade, token_in
from tests.servers.processes import Running
from tests.waiting import PATIENCE, wait_until

FORMER_COMMIT = "ca7996c"
"""The last commit before the modules moved into rooms and most names changed."""
TENANT = "tenant-1"
EVENTS = "/stripe/webhook-events?per_page=100"
PAID = {"invoice.paid", "charge.succeeded", "invoice_payment.paid"}
ORDER = {
    "number": "SO-1001",
    "currency": "usd",
    "total_in_cents": 12_450,
    "updated_at": "2026-11-01T00:00:00+00:00",
    "customer": {
        "id": 77,
        "name": "Jenny Rosen",
        "email": "jenny@example.com",
        "address": {"line1": "1 Oak Street", "city": "Springfield", "postal_code": "12345", "country": "US"},
    },
    "lines": [
        {"description": "Oak table", "quantity": "1", "amount_in_cents": 9_900},
        {"description": "Oak chair", "quantity": "2.5", "amount_in_cents": 3_000},
        {"description": "Loyalty discount", "quantity": "1", "amount_in_cents": -450},
    ],
}
ORDERS = (1, 2, 3, 4, 5, 6)


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack_release(FORMER_COMMIT, tmp_path_factory.mktemp("former"))


@pytest.fixture
def emulator() -> Iterator[EmulatorServer]:
    with EmulatorServer(retry_base=0.1, retry_cap=1.0) as emulator:
        yield emulator


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.sqlite'}"
    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def upgrade(
    emulator: EmulatorServer, former: Path, empty_database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Upgrade]:
    upgrade = Upgrade(emulator, former, empty_database_url, redis_url, tmp_path)
    yield upgrade
    upgrade.close()


@dataclass(frozen=True)
class Scene:
    """`store` is the database as this release reads it, `queue` the Redis."""

    upgrade: Upgrade
    control: Control
    client: Client
    integration: Json
    web: Running
    store: SqlStore
    queue: redis.Redis

    def send(self, order_id: int) -> requests.Response:
        body = {"integration_instance_id": self.integration["id"], "sales_order_id": order_id}
        return self.client.ask("POST", "/stripe/invoices", body, key=f"send-{order_id}")

    def invoices(self) -> list[Json]:
        found: list[Json] = self.client.get(f"/stripe/integrations/{self.integration['id']}/invoices")
        return found

    def pay(self, invoice: Json) -> None:
        """The customer pays; the service receives the events of that, and whatever worker is awake applies them."""
        self.control.pay(invoice["stripe_invoice_id"])
        path = f"/stripe/invoices/{invoice['id']}"
        wait_until(lambda: {each["event_type"] for each in self.client.get(f"{path}/activity-log")} >= PAID)
        self.wait_until_drained()
        assert self.client.get(path)["status"] == "paid"

    def left(self) -> tuple[int, int]:
        """How many events and intents are not finished."""
        with self.store.reading() as work:
            events, intents = work.inbox.backlog(), work.intents.backlog()
        return sum(events.by_status.values()), sum(intents.by_status.values())

    def wait_until_drained(self) -> None:
        """Nothing is left to be sent at Stripe, nor in the database, nor a message in Redis, where one that no actor knows
        ends as a dead letter."""
        wait_until(self._is_drained)
        assert self.keys("dramatiq:*.XQ*") == []

    def _is_drained(self) -> bool:
        # What work has done at Stripe makes more events, so they are all looked for before and after.
        sent = self.control.wait_for_deliveries(PATIENCE)
        is_idle = self.left() == (0, 0) and not self.keys("dramatiq:*[^Q].msgs")
        return is_idle and self.control.wait_for_deliveries(PATIENCE) == sent

    def keys(self, pattern: str) -> Any:
        return self.queue.keys(pattern)

    def everything(self) -> dict[str, Any]:
        """All that can be read of the tenant, but for metadata: the former release shows keys that are internal now."""
        get = self.client.get
        found = {"integration": get(f"/stripe/integrations/{self.integration['id']}")}
        found |= {f"order {order_id}": get(f"/sales-orders/{order_id}") for order_id in ORDERS}
        for invoice in self.invoices():
            path = f"/stripe/invoices/{invoice['id']}"
            found[path] = [
                get(path) | {"metadata": None},
                get(f"{path}/refunds"),
                get(f"{path}/activity-log"),
            ]
        found["events"] = get(EVENTS)
        return found


@pytest.fixture
def scene(
    upgrade: Upgrade, emulator: EmulatorServer, empty_database_url: str, redis_url: str
) -> Iterator[Scene]:
    """The former release has set up everything, and serves."""
    assert upgrade.package(upgrade.former).is_relative_to(upgrade.former)
    assert upgrade.package(CURRENT).is_relative_to(CURRENT)
    create_token = ("tokens", "create", "--tenant", TENANT, "--role", "power_user", "--json")
    *_, token = upgrade.flask(upgrade.former, ("db", "upgrade"), ("receivers", "register"), create_token)
    web = upgrade.start_web(upgrade.former)
    upgrade.wait_until_ready(web)
    store = SqlStore(create_engine(empty_database_url))
    with requests.Session() as http, redis.Redis.from_url(redis_url) as queue:
        http.trust_env = False
        client = Client(upgrade.url, token_in(token), http)
        yield Scene(upgrade, emulator.control, client, client.connect(), web, store, queue)
    store.close()


def leave_events_unapplied_and_intents_unsettled(scene: Scene, paid: list[Json], to_void: Json) -> None:
    """A send that Stripe has carried out and a voiding that it has not; the answers to both never came."""
    for invoice in paid:
        scene.control.pay(invoice["stripe_invoice_id"])
    wait_until(lambda: scene.left()[0] >= 20)
    calls = [
        {"effect": "cut_after", "method": "POST", "path": "/finalize$"},
        {"effect": "cut_before", "method": "POST", "path": "/void$"},
        {"effect": "cut_before", "method": "GET"},
    ]
    scene.control.misbehave({"calls": calls})
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(scene.send, 6)
        voided = threads.submit(scene.client.ask, "POST", f"/stripe/invoices/{to_void['id']}/void")
    assert [each.result().status_code for each in (sent, voided)] == [502, 502]
    scene.control.misbehave({})
    assert scene.left()[1] == 2


def check_that_secrets_open(scene: Scene) -> None:
    """What the former release has sealed this one opens."""
    vault = FernetVault([scene.upgrade.settings["ENCRYPTION_KEYS"]])
    with scene.store.reading() as work:
        sealed = work.integrations.get(TENANT, scene.integration["id"]).sealed_access_token
        receivers = work.receivers.of_kinds(list(PLATFORM_KINDS))
    assert sealed is not None
    assert vault.open(sealed)
    assert [vault.open(str(each.sealed_secret))[:6] for each in receivers] == ["whsec_"] * 2


def without_added_fields(value: Any, before: Any) -> Any:
    """Releases add fields, and take none away."""
    if isinstance(before, dict):
        return {name: without_added_fields(value[name], each) for name, each in before.items()}
    if isinstance(before, list) and len(value) == len(before):
        return [without_added_fields(*pair) for pair in zip(value, before, strict=True)]
    return value


def replace_the_web_process(scene: Scene, answers: dict[int, requests.Response]) -> None:
    """All reads as before, and a repeated request has the answer that it had."""
    before = scene.everything()
    scene.upgrade.stop(scene.web)
    scene.upgrade.wait_until_ready(scene.upgrade.start_web(CURRENT))
    assert without_added_fields(scene.everything(), before) == before
    for order_id, answer in answers.items():
        again = scene.send(order_id)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (again.status_code, again.content) == (answer.status_code, answer.content)


def check_that_all_is_as_at_stripe(scene: Scene, refunds: str) -> None:
    events = scene.client.get(EVENTS)
    assert {event["status"] for event in events} <= {EventStatus.PROCESSED, EventStatus.SKIPPED}
    at_stripe = {each["id"]: each["status"] for each in scene.control.objects("invoices")}
    assert len(at_stripe) == len(ORDERS)
    assert {each["stripe_invoice_id"]: each["status"] for each in scene.invoices()} == at_stripe
    (refund,) = scene.control.objects("refunds")
    (known,) = scene.client.get(refunds)
    assert (known["amount"], known["status"]) == (refund["amount"], refund["status"])


def check_that_the_log_has_what_the_former_release_wrote(scene: Scene) -> None:
    """It writes beside this one without a change log; the next pass over what there is finds what it changed."""
    a_day_later = FrozenClock(datetime.now(UTC) + timedelta(days=1, minutes=1))
    record = RecordExisting(scene.store, a_day_later)
    while record():
        pass
    newest: dict[Any, Json] = {}
    with scene.store.reading() as work:
        for entry in work.changes.page(TENANT, 0, 1000):
            shown = entry.shown()
            newest[shown["subject"]["type"], shown["subject"]["id"]] = shown["object"]
        head = work.changes.head(TENANT)
    assert head is not None
    assert head.is_complete
    for invoice in scene.invoices():
        logged = newest["invoice", invoice["id"]]
        links = {"hosted_invoice_url", "invoice_pdf", "hosted_invoice_url_expires_at"}
        compared = set(logged) - links - {"updated_at"}
        assert {name: logged[name] for name in compared} == {name: invoice[name] for name in compared}


@pytest.mark.slow
def test_two_releases_share_a_database_a_queue_and_their_work(scene: Scene):
    upgrade, client = scene.upgrade, scene.client
    for order_id in ORDERS:
        client.data("PUT", f"/sales-orders/{order_id}", ORDER)
    answers = {order_id: scene.send(order_id) for order_id in ORDERS[:5]}
    first, second, third, fourth, fifth = (answer.json()["data"] for answer in answers.values())
    leave_events_unapplied_and_intents_unsettled(scene, [first, second], fifth)

    # The schema is upgraded first, and the former release serves on.
    upgrade.upgrade_schema()
    upgrade.wait_until_ready(scene.web)
    check_that_secrets_open(scene)

    # What the former release has left, workers of both finish.
    former_worker, worker = (upgrade.start_worker(each) for each in (upgrade.former, CURRENT))
    scene.wait_until_drained()

    # What the former release receives, this one's worker applies.
    with upgrade.suspended(former_worker):
        scene.pay(third)
    refunds = f"/stripe/invoices/{first['id']}/refunds"
    client.data("POST", refunds, {"amount_in_cents": 1_000})
    scene.wait_until_drained()

    replace_the_web_process(scene, answers)

    # What this release receives, the former one's worker applies.
    with upgrade.suspended(worker):
        scene.pay(fourth)
    assert [upgrade.stop(each) for each in (former_worker, worker)] == [0, 0]
    check_that_all_is_as_at_stripe(scene, refunds)
    check_that_the_log_has_what_the_former_release_wrote(scene)
