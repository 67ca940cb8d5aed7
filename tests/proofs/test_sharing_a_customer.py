"""Two orders of one new customer share its creation: whatever its outcome, neither is left waiting for it."""

from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread, current_thread

from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.stripe.errors import GatewayRefused
from tests.proofs.boundary import Boundary
from tests.world import World


def on(store: Store) -> World:
    world = World()
    world.adapters = replace(world.adapters, store=store)
    world.restart()
    return world


def test_an_order_reserved_while_its_customer_is_refused_does_not_wait_for_ever(store: Store):
    world = on(store)
    world.connect()
    world.put_order(501)
    world.put_order(502)
    world.fail("create_customer", GatewayRefused("no"))
    second_has_looked, first_has_ended = Event(), Event()

    def send(order_id: int) -> None:
        with suppress(InvoiceNotSent):
            world.send(order_id)

    second = Thread(target=send, args=[502])

    def come_between(_crossing: int, place: str) -> None:
        if current_thread() is second:
            if place == "before commit" and not second_has_looked.is_set():
                second_has_looked.set()
                # The first one may be waiting for this commit.
                first_has_ended.wait(1)
        elif place == "before create_customer" and not second_has_looked.is_set():
            second.start()
            # On SQLite, with one writer at a time, it may get there only later.
            second_has_looked.wait(5)

    world.restart(Boundary(come_between).around)
    send(501)
    first_has_ended.set()
    second.join()

    world.restart()
    assert world.send(502).created
