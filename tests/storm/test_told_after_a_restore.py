"""The database is lost while an ERP is being told, and another one asks; and a backup from the middle of it is restored.

Both hold changes that the restored database does not have. Under the same numbers it makes others. Each is told so, starts
over as the documentation says, and ends with every change that the restored service made, each of them once.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stripe_bridge.domain.subscriber import DisabledReason
from stripe_bridge.use_cases.subscribers.manage import NewSubscriber
from tests.servers.example_receivers import PythonPuller, PythonReceiver, rows_of
from tests.servers.processes import scratch_folder
from tests.storm.backups import Backups
from tests.storm.service import Service
from tests.storm.subscribers import Held, changes_of, wrong_states
from tests.storm.test_restore import PLACES, SINCE
from tests.storm.traffic import Client, direct, going_on
from tests.storm.truth import is_at_rest
from tests.storm.users import Shop, new_token, open_shop
from tests.waiting import wait_until

pytestmark = pytest.mark.slow
# STORM_SEED repeats the same random choices, but not the same timing.
SEED = int(os.environ.get("STORM_SEED") or random.randrange(1_000_000))
# Before the backup, and after it.
ORDERS = 6
# The ERPs hold at least so many changes that the backup does not have.
AHEAD = 5


@dataclass
class Told:
    """A shop on a restored backup, of which no process runs, and two ERPs that hold more than it has."""

    service: Service
    shop: Shop
    client: Client
    receiver: PythonReceiver
    puller: PythonPuller
    subscriber: int

    def is_held(self) -> bool:
        with self.service.store.reading() as work:
            return self.shop.tenant in {hold.tenant_id for hold in work.recoveries.open_holds()}

    def is_given_up(self) -> bool:
        """Whether nothing is delivered any more, because the receiver holds another history."""
        shown = self.service.operator.subscribers.show(self.shop.tenant, self.subscriber)
        return shown.subscriber.disabled_reason is DisabledReason.HISTORY_CHANGED

    def log_name(self) -> str:
        with self.service.store.reading() as work:
            head = work.changes.head(self.shop.tenant)
        assert head is not None
        return head.log


@pytest.fixture
def folder() -> Path:
    folder = scratch_folder("told")
    for name in ("receiver", "puller"):
        (folder / name).mkdir()
    return folder


@pytest.fixture(params=PLACES)
def told(request: pytest.FixtureRequest, folder: Path) -> Iterator[Told]:
    receiver, puller = PythonReceiver(folder / "receiver"), PythonPuller(folder / "puller")
    try:
        with request.param(folder) as (service, backups):
            yield _lost_in_the_middle(service, backups, receiver, puller)
    finally:
        receiver.kill()
        puller.kill()


def _lost_in_the_middle(
    service: Service, backups: Backups, receiver: PythonReceiver, puller: PythonPuller
) -> Told:
    shop = open_shop(service, 1)
    view, secret = service.operator.subscribers.create(
        shop.tenant, NewSubscriber(url=f"{receiver.url}/changes", after=0)
    )
    receiver.start(secret)
    puller.start(service.url, new_token(service, shop))
    client = Client(service, shop, random.Random(SEED), first_order=1, most=ORDERS)
    with going_on([client]):
        wait_until(lambda: len(client.answered) >= ORDERS // 2)
        backups.back_up()
        known = changes_of(service, shop.tenant, acts=True)[-1][0]
        client.most += ORDERS
        wait_until(lambda: _newest(receiver.held()) >= known + AHEAD)
        wait_until(lambda: _newest(puller.held()) >= known + AHEAD)
        for process in (*service.web, *service.workers):
            process.kill()
    service.store.close()
    backups.restore()
    _let_lease_end(service, view.subscriber.id)
    # One that was created since the backup is lost.
    client.renew_token()
    return Told(service, shop, client, receiver, puller, view.subscriber.id)


def _let_lease_end(service: Service, subscriber_id: int) -> None:
    """Whoever was delivering when the backup was made holds a lease in it, which is over when a database is restored later."""
    with service.store.writing() as work:
        subscriber = work.subscribers.find(subscriber_id, lock=True)
        assert subscriber is not None
        work.subscribers.save(subscriber.release())
        work.commit()


def _newest(held: Held) -> int:
    return held[-1][0] if held else 0


def test_served_first_what_they_hold_stops_deliveries_and_sends_until_it_is_reconciled(told: Told):
    told.service.start_all()
    with direct() as http:
        # A change that both know under another content.
        assert told.client.put(http, 900, "2026-11-02T12:00:00Z").status_code == 201
        wait_until(told.is_given_up)
        wait_until(lambda: "Starting over" in told.puller.log.read_text())
        assert told.is_held()
        answer = told.client.send(http, 900)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:stripe-bridge:problem:Recovering")
    former = told.log_name()
    _reconcile(told)
    assert told.log_name() != former
    _check_that_both_go_on(told)


def test_reconciled_first_they_start_over_and_hold_nothing(told: Told):
    assert told.service.command("db", "restored") == 0
    _reconcile(told)
    told.service.start_all()
    wait_until(told.is_given_up)
    wait_until(lambda: "Starting over" in told.puller.log.read_text())
    assert not told.is_held(), "They hold a history that was ended here, which is no news."
    _check_that_both_go_on(told)


def _reconcile(told: Told) -> None:
    """Again, if something was still under way in the process that was killed."""
    wait_until(lambda: told.service.command("reconcile", *SINCE) == 0, every=0.5, within=30)
    assert not told.is_held()


def _check_that_both_go_on(told: Told) -> None:
    service, shop = told.service, told.shop
    _start_over(told)
    told.client.submit_all_again()
    with direct() as http:
        for _ in range(20):
            told.client.step(http)
    wait_until(lambda: is_at_rest(service), every=0.2)
    assert _faults(told) == []
    assert service.command("changes", "verify", "--tenant", shop.tenant) == 0
    assert not told.is_held()


def _faults(told: Told) -> list[str]:
    """What they do not hold as the service has it. A payment may be confirmed meanwhile: then they are looked at again."""
    service, tenant = told.service, told.shop.tenant
    while True:
        # The receiver is not told of acts. Looking makes some: tokens.
        log, with_acts = changes_of(service, tenant), changes_of(service, tenant, acts=True)
        found = [
            *_faults_of(told, told.receiver.held, log, told.receiver.database),
            *_faults_of(told, told.puller.held, with_acts, told.puller.database),
        ]
        if changes_of(service, tenant) == log:
            return found


def _faults_of(told: Told, held: Callable[[], Held], log: Held, database: Path) -> list[str]:
    wait_until(lambda: _newest(held()) >= _newest(log))
    has = [(sequence, hash_) for sequence, hash_ in held() if sequence <= _newest(log)]
    # From where it started over, everything, in order and each change once.
    found = [] if has and has == log[-len(has) :] else [f"{database} holds {has}, and the log has {log}"]
    return found + list(wrong_states(told.service, told.shop, database))


def _start_over(told: Told) -> None:
    """The ERP that is told reads the lists, and an administrator has it told what comes after them."""
    reading = PythonPuller(told.receiver.folder)
    reading.start(told.service.url, new_token(told.service, told.shop))
    log = told.log_name()
    wait_until(lambda: _cursor(told.receiver.database)[0] == log)
    reading.kill()
    _, after = _cursor(told.receiver.database)
    told.service.operator.subscribers.resume(told.shop.tenant, told.subscriber, after)


def _cursor(database: Path) -> tuple[str, int]:
    ((log, after),) = rows_of(database, "SELECT log, after FROM cursor")
    return log, after
