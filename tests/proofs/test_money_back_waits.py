"""If a worker takes over a call that somebody is waiting for, the caller is still told its outcome."""

from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread

import pytest

from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from tests.builders import AMOUNT
from tests.fakes.system import FrozenClock
from tests.proofs.boundary import Boundary
from tests.world import World


class ClockOfTheWaiting(FrozenClock):
    """When the caller sleeps, the worker continues."""

    def __init__(self, clock: FrozenClock, let_go_on: Callable[[], None]) -> None:
        super().__init__(clock.now())
        self._let_go_on = let_go_on

    def sleep(self, seconds: float) -> None:
        self._let_go_on()
        super().sleep(seconds)


class FasterWorker:
    """Takes over the call as soon as it is planned, and is held up at Stripe until the caller waits."""

    def __init__(self, world: World, method: str) -> None:
        self._bridge = world.bridge
        self._is_asking, self._may_go_on = Event(), Event()
        self._thread = Thread(target=self._bridge.intents.settle_due)
        world.stripe.before_next(method, self._ask)
        clock = ClockOfTheWaiting(world.clock, self.finish)
        boundary = Boundary(self._on_crossing)
        world.restart(lambda adapters: boundary.around(replace(adapters, clock=clock)))

    def _ask(self) -> None:
        self._is_asking.set()
        assert self._may_go_on.wait(60)

    def _on_crossing(self, _: int, place: str) -> None:
        if place == "after commit" and not self._thread.ident:
            self._thread.start()
            assert self._is_asking.wait(60)

    def finish(self) -> None:
        self._may_go_on.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture
def world() -> World:
    world = World()
    world.connect()
    return world


def test_a_refund_that_a_worker_settled_first_is_reported_as_made(world: World):
    world.paid()
    worker = FasterWorker(world, "create_refund")
    (refund,) = world.refund(1)
    worker.finish()
    assert (refund.state, refund.amount) == (RefundState.SUCCEEDED, AMOUNT)
    assert len(world.refunds_at_stripe()) == 1


def test_a_void_that_a_worker_settled_first_is_reported_as_done(world: World):
    world.sent()
    worker = FasterWorker(world, "void")
    invoice = world.bridge.invoices.void(world.tenant, 1).invoice
    worker.finish()
    assert invoice.status is InvoiceStatus.VOID
