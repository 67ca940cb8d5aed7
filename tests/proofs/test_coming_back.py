"""An account is connected again at the very moment when its events are skipped because it is not connected."""

from collections.abc import Iterator

import pytest

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.webhook_event import EventStatus
from tests.proofs.boundary import Boundary
from tests.proofs.emulated_world import EmulatedWorld, emulated


@pytest.fixture
def world(postgres_url: str) -> Iterator[EmulatedWorld]:
    """PostgreSQL only: SQLite has one writer at a time, so there is no such moment."""
    store = SqlStore(create_engine(postgres_url))
    with emulated() as (emulator, clock):
        yield EmulatedWorld(emulator, clock, store)
    store.close()


def test_an_event_that_is_skipped_just_before_the_commit_that_connects_its_account_is_applied(
    world: EmulatedWorld,
):
    world.connect()
    invoice = world.sent()
    world.bridge.integrations.disconnect(world.tenant, world.integration_id)
    world.pay(invoice)
    (paid,) = [event for event in world.events() if event["type"] == "invoice.paid"]

    def come_between(_crossing: int, _place: str) -> None:
        if boundary.places[-2:] == ["after account", "before commit"]:
            world.deliver_elsewhere([paid])

    boundary = Boundary(come_between)
    world.restart(boundary.around)
    world.connect(world.account_id, into=world.integration_id)
    world.restart()
    world.work_off()
    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
    assert EventStatus.SKIPPED not in {event.status for event in world.events_stored()}
