"""Two workers with events of the same order never wait for each other forever."""

from threading import Event, Thread

from stripe_bridge.adapters.database import SqlStore, create_engine
from stripe_bridge.domain.webhook_event import EventStatus
from tests.proofs.boundary import Boundary
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.waiting import wait_until

WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def is_a_query_waiting(store: SqlStore) -> bool:
    with store.engine.connect() as connection:
        return bool(connection.exec_driver_sql(WAITING).scalar_one())


def test_an_event_that_was_just_claimed_may_still_be_locked_by_another_worker(postgres_url: str):
    store = SqlStore(create_engine(postgres_url))
    has_locked, failures = Event(), []

    def pass_it_by() -> None:
        """Like taking events: PostgreSQL locks a row that changed meanwhile before it notices the change."""
        try:
            with store.engine.begin() as connection:
                connection.exec_driver_sql("SELECT id FROM webhook_events FOR NO KEY UPDATE")
                has_locked.set()
                wait_until(lambda: is_a_query_waiting(store))
                connection.exec_driver_sql("SELECT id FROM sales_orders FOR NO KEY UPDATE")
        except Exception as error:
            failures.append(error)

    other = Thread(target=pass_it_by)

    def come_between(_crossing: int, place: str) -> None:
        if place == "after commit" and not has_locked.is_set():
            other.start()
            assert has_locked.wait(60)

    with emulated() as (emulator, clock):
        world = EmulatedWorld(emulator, clock, store)
        world.connect()
        invoice = world.sent()
        world.pay(invoice)
        (paid,) = [event for event in world.events() if event["type"] == "invoice.paid"]
        world.receive(paid)
        world.restart(Boundary(come_between).around)
        world.bridge.webhook_events.apply()
        other.join()
        (event,) = world.events_stored()

    assert not failures
    assert (event.status, event.attempts) == (EventStatus.PROCESSED, 1)
    store.close()
