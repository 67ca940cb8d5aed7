"""The database is lost in the middle of traffic, and a backup that was made in the middle of it is restored: with real
processes that are killed, and the commands of the operations page.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE
from tests.servers.postgres import PostgresServer
from tests.servers.processes import scratch_folder
from tests.storm.backups import Backups, PostgresBackups, SqliteBackups
from tests.storm.service import Service
from tests.storm.storm import embedded, on_servers
from tests.storm.traffic import TOTAL, Answered, Client, direct, going_on
from tests.storm.truth import differences, is_at_rest
from tests.storm.users import Shop, open_shop
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
CLIENTS = 4
# Of each client, before the backup and after it.
ORDERS = 5
# STORM_SEED repeats the same random choices, but not the same timing.
SEED = int(os.environ.get("STORM_SEED") or random.randrange(1_000_000))
# No lease of a killed process is waited for longer.
SETTINGS = {
    "INTENT_LEASE_SECONDS": "3",
    "INTENT_SETTLE_SECONDS": "2.5",
    "STRIPE_READ_TIMEOUT": "1.4",
    "STRIPE_CONNECT_TIMEOUT": "1",
}
SINCE = ("--since", "2020-01-01")


@dataclass
class Lost:
    """A service on a restored backup, of which no process runs, and who used it before."""

    service: Service
    shops: list[Shop]
    clients: list[Client]

    @property
    def answered(self) -> list[tuple[Client, Answered]]:
        return [(client, each) for client in self.clients for each in client.answered]


@contextmanager
def on_sqlite(folder: Path) -> Iterator[tuple[Service, Backups]]:
    with embedded(folder, **SETTINGS) as place:
        yield place.service, SqliteBackups(folder / "bridge.sqlite")


@contextmanager
def on_postgresql(folder: Path) -> Iterator[tuple[Service, Backups]]:
    with on_servers(folder, **SETTINGS) as place:
        server = place.servers["postgres"]
        assert isinstance(server, PostgresServer)
        yield place.service, PostgresBackups(server, folder)


PLACES = [
    pytest.param(on_sqlite, id="sqlite"),
    pytest.param(on_postgresql, id="postgresql", marks=pytest.mark.servers),
]


@pytest.fixture(params=PLACES)
def lost(request: pytest.FixtureRequest) -> Iterator[Lost]:
    chance = random.Random(SEED)
    with request.param(scratch_folder("restore")) as (service, backups):
        shops = [open_shop(service, number) for number in (1, 2)]
        clients = [
            Client(
                service,
                shops[number % 2],
                random.Random(f"{SEED}-{number}"),
                first_order=1 + 1_000 * number,
                most=ORDERS,
            )
            for number in range(CLIENTS)
        ]
        lost = Lost(service, shops, clients)
        with going_on(clients):
            wait_until_answered(lost, chance.randrange(6, 14))
            backups.back_up()
            for client in clients:
                client.most += ORDERS
            wait_until_answered(lost, len(lost.answered) + chance.randrange(6, 14))
            for process in (*service.web, *service.workers):
                process.kill()
        service.store.close()
        backups.restore()
        for client in clients:
            # One that was created since the backup is lost.
            client.renew_token()
        yield lost


def wait_until_answered(lost: Lost, number: int) -> None:
    wait_until(lambda: len(lost.answered) >= number)


def unknown(lost: Lost) -> dict[str, str]:
    """The tenant of each of our invoices at Stripe that the restored database does not know, by Stripe id.

    Of one that was being sent when the backup was made, it has at least the reference.
    """
    tenants = {shop.integration_id: shop.tenant for shop in lost.shops}
    found = {}
    with lost.service.store.reading() as work:
        for each in lost.service.control.objects("invoices"):
            owner = work.integrations.find_by_account(each["account"])
            assert owner is not None
            if work.intents.find_by_reference(each["metadata"][METADATA_REFERENCE]) is None:
                found[str(each["id"])] = tenants[owner.id]
    return found


def test_reconciled_first_nothing_is_lost_and_nothing_billed_twice(lost: Lost):
    assert unknown(lost), "The backup is older than what is at Stripe."
    assert lost.service.command("db", "restored") == 0
    reconcile(lost)
    lost.service.start_all()
    check(lost)


def test_served_first_the_first_event_holds_the_sends_until_it_is_reconciled(lost: Lost):
    tenants = unknown(lost)
    assert tenants, "The backup is older than what is at Stripe."
    lost.service.start_all()
    for tenant in set(tenants.values()):
        stripe_tells(lost, [stripe_id for stripe_id, owner in tenants.items() if owner == tenant])
    wait_until(lambda: held(lost) == set(tenants.values()))
    for client in lost.clients:
        if client.shop.tenant in held(lost):
            check_held(client)
    reconcile(lost)
    check(lost)


def stripe_tells(lost: Lost, invoices: list[str]) -> None:
    """Send one event about one of these invoices once more. Stripe knows of all others that they have arrived."""
    control = lost.service.control
    events = [each for each in control.objects("events") if each["data"]["object"]["id"] in invoices]
    assert next(sent for each in events if (sent := control.redeliver(each["id"])))


def check_held(client: Client) -> None:
    """Neither an order that is not known here nor one that nobody ever sent is sent."""
    with direct() as http:
        for number in (client.first_order + client.orders - 1, client.first_order + 900):
            assert client.put(http, number, "2026-11-02T12:00:00Z").status_code in (200, 201)
            answer = client.send(http, number)
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"].endswith(":Recovering")


def held(lost: Lost) -> set[str]:
    with lost.service.store.reading() as work:
        return {hold.tenant_id for hold in work.recoveries.open_holds()}


def reconcile(lost: Lost) -> None:
    """Again, if something was still under way in the process that was killed."""
    wait_until(lambda: lost.service.command("reconcile", *SINCE) == 0, every=0.5, within=30)
    assert held(lost) == set()


def check(lost: Lost) -> None:
    service = lost.service
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(Client.submit_all_again, lost.clients))
    wait_until(lambda: is_at_rest(service), every=0.2)
    assert differences(service, lost.shops) == []
    assert billed_twice(service) == {}
    with direct() as http:
        for client, said in lost.answered:
            answer = client.ask(http, "GET", f"/api/stripe/invoices/{said.id}")
            assert answer.status_code == 200, (said, answer.text)
            shown = answer.json()["data"]
            assert Answered(shown["id"], shown["sales_order_id"], shown["stripe_invoice_id"]) == said


def billed_twice(service: Service) -> dict[str, int]:
    """At Stripe: by order, what is asked for or was paid, and not given back, if it is more than the order's total."""
    intents = {
        each["payment"]["payment_intent"]: each["invoice"]
        for each in service.control.objects("invoice_payments")
    }
    back: Counter[str] = Counter()
    for each in service.control.objects("refunds"):
        if each["status"] not in ("failed", "canceled"):
            back[intents[each["payment_intent"]]] += each["amount"]
    asked: Counter[str] = Counter()
    for each in service.control.objects("invoices"):
        if each["status"] in ("draft", "open", "paid"):
            asked[each["metadata"]["sales_order_id"]] += each["total"] - back[each["id"]]
    return {order: amount for order, amount in asked.items() if amount > TOTAL}
