"""A request settles what is due itself, and waits for what another worker has leased."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from stripe_bridge.domain.intent import Intent, IntentState, customer_subject, invoice_subject
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.ports.stripe.errors import CallNotAccepted, GatewayRefused, OutcomeUnknown
from stripe_bridge.use_cases.intents.wait import (
    QUICK_AT_FIRST,
    STEADY,
    Backoff,
    find_blocking_intent,
    settle_or_wait,
    wait_for_invoice,
    wait_until_settled,
)
from tests.builders import a_customer_key, a_sales_order, an_invoice
from tests.fakes.system import FrozenClock
from tests.use_cases.intents.settling import Settling

TEN_SECONDS = timedelta(seconds=10)


class ClockWithOthers(FrozenClock):
    """During each pause, `meanwhile` is called with the seconds paused so far."""

    def __init__(self, meanwhile: Callable[[float], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.pauses.append(seconds)
        self._meanwhile(sum(self.pauses))


def unsettled_of(settling: Settling, *ids: int) -> Callable[[], Sequence[Intent] | None]:
    def read() -> Sequence[Intent] | None:
        left = [intent for id_ in ids if not (intent := settling.find(id_)).is_settled]
        return left or None

    return read


def test_with_nothing_unsettled_the_wait_ends_at_once():
    settling = Settling()
    before = settling.clock.now()

    assert wait_until_settled(settling.clock, settling.settle, lambda: None, before)
    assert settling.clock.now() == before


def test_what_is_due_is_settled_by_the_request_that_waits():
    settling = Settling()
    intent, before = settling.plan(), settling.clock.now()

    is_settled = wait_until_settled(
        settling.clock, settling.settle, unsettled_of(settling, intent.id), before + TEN_SECONDS
    )

    assert is_settled
    assert settling.find(intent.id).state is IntentState.CONFIRMED
    assert settling.clock.now() == before


def test_what_another_worker_has_leased_is_waited_for_and_not_called():
    settling = Settling()
    intent = settling.leased()

    def the_worker_confirms(paused: float) -> None:
        if paused > 2 and not settling.find(intent.id).is_settled:
            settling.save(settling.find(intent.id).confirm(settling.clock.now()))

    clock = ClockWithOthers(the_worker_confirms)

    assert wait_until_settled(
        clock, settling.settle, unsettled_of(settling, intent.id), clock.now() + TEN_SECONDS
    )
    assert settling.step.called == []
    assert 2 < sum(clock.pauses) < 3


@pytest.mark.parametrize("backoff", [STEADY, QUICK_AT_FIRST])
def test_waiting_ends_at_the_deadline_with_pauses_that_grow_to_the_longest(backoff: Backoff):
    settling = Settling()
    intent = settling.leased()
    clock = ClockWithOthers(lambda _: None)
    start = clock.now()

    assert not wait_until_settled(
        clock, settling.settle, unsettled_of(settling, intent.id), clock.now() + TEN_SECONDS, backoff
    )

    assert TEN_SECONDS <= clock.now() - start < TEN_SECONDS + timedelta(seconds=backoff.longest)
    assert clock.pauses[0] == backoff.first
    assert clock.pauses == sorted(clock.pauses)
    assert clock.pauses[-1] == backoff.longest


def test_of_many_that_are_due_none_is_begun_after_the_deadline():
    settling = Settling()

    def slow(_: Intent) -> str:
        settling.clock.advance(seconds=6)
        raise OutcomeUnknown("no answer")

    settling.step._calls = slow
    ids = [settling.plan(subject=invoice_subject(number)).id for number in range(5)]

    assert not wait_until_settled(
        settling.clock,
        settling.settle,
        unsettled_of(settling, *ids),
        settling.clock.now() + TEN_SECONDS,
    )
    assert settling.step.called == ids[:2]


def test_a_worker_that_was_faster_is_waited_for_and_its_expired_lease_is_left_to_workers():
    settling = Settling()
    intent, start = settling.leased(timedelta(seconds=5)), settling.clock.now()

    settle_or_wait(settling.store, settling.clock, settling.settle, intent.id, start + TEN_SECONDS)

    assert (settling.step.called, settling.step.checked) == ([], [])
    assert settling.clock.now() - start >= TEN_SECONDS


@pytest.mark.parametrize(
    "error", [CallNotAccepted("busy"), OutcomeUnknown("no answer"), GatewayRefused("no"), None]
)
def test_what_the_request_itself_settled_or_put_off_is_not_waited_for(error: Exception | None):
    def call(_: Intent) -> str:
        if error is not None:
            raise error
        return "done"

    settling = Settling(call)
    intent, start = settling.plan(), settling.clock.now()

    settle_or_wait(settling.store, settling.clock, settling.settle, intent.id, start + TEN_SECONDS)

    assert settling.step.called == [intent.id]
    assert settling.clock.now() == start


def with_invoice(settling: Settling, status: InvoiceStatus) -> int:
    with settling.store.writing() as work:
        work.sales_orders.add(a_sales_order())
        customer = work.customers.get_or_add(a_customer_key())
        invoice = work.invoices.add(
            an_invoice(status=status, integration_id=settling.integration_id, customer_id=customer.id)
        )
        work.commit()
    return invoice.id


@pytest.mark.parametrize(
    ("status", "subject", "is_blocked"),
    [
        (InvoiceStatus.RESERVED, invoice_subject, True),
        (InvoiceStatus.RESERVED, customer_subject, True),
        (InvoiceStatus.DRAFT, invoice_subject, True),
        (InvoiceStatus.DRAFT, customer_subject, False),
        (InvoiceStatus.OPEN, customer_subject, False),
    ],
)
def test_an_invoice_is_blocked_by_its_own_call_and_while_reserved_by_its_customers(
    status: InvoiceStatus, subject: Callable[[int], str], is_blocked: bool
):
    settling = Settling()
    invoice_id = with_invoice(settling, status)
    with settling.store.reading() as work:
        invoice = work.invoices.find(invoice_id)
    assert invoice is not None
    own = invoice.id if subject is invoice_subject else invoice.customer_id
    intent = settling.leased(subject=subject(own))

    with settling.store.reading() as work:
        blocking = find_blocking_intent(work, invoice)
    start = settling.clock.now()
    is_free = wait_for_invoice(
        settling.store, settling.clock, settling.settle, invoice.id, start + TEN_SECONDS
    )

    assert blocking == (intent if is_blocked else None)
    assert is_free is not is_blocked
    assert (settling.clock.now() > start) is is_blocked


def test_a_reserved_invoice_is_waited_for_even_while_no_call_is_open():
    settling = Settling()
    invoice_id = with_invoice(settling, InvoiceStatus.RESERVED)

    assert not wait_for_invoice(
        settling.store, settling.clock, settling.settle, invoice_id, settling.clock.now() + TEN_SECONDS
    )
