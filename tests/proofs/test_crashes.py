"""A process that dies at any crossing of its boundary loses nothing and does nothing twice.

The crossings are found by running: the process first dies at the first crossing, then at the second, and so on until a
run is not interrupted.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from stripe_bridge.domain.errors.rules import ConfirmationInvalid
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.origin import Actor, ActorType, Origin, by_job
from stripe_bridge.ports.origin import acting_as
from stripe_bridge.ports.stripe.errors import OutcomeUnknown
from stripe_bridge.use_cases.integrations.connect import AuthorizationStatus
from stripe_bridge.use_cases.integrations.disconnect import GRACE
from tests.builders import TENANT
from tests.proofs.boundary import Crash, crash_at
from tests.proofs.crashing import (
    Do,
    Scenario,
    act_until,
    crash_at_every_crossing,
    nothing,
    recover_and_check,
)
from tests.proofs.folding import entries
from tests.proofs.moments import moment_of
from tests.proofs.scenarios import SCENARIOS, SENDS, ask_again, the_order_can_be_invoiced_once
from tests.world import A_WHILE, World


def wait_for_the_lease(world: World) -> None:
    world.clock.advance(A_WHILE)


def wait_a_day(world: World) -> None:
    """Wait until Stripe has forgotten every idempotency key."""
    world.clock.advance(seconds=25 * 3600)
    world.expire_idempotency_keys()


def wait_and_ask_again(world: World) -> None:
    wait_for_the_lease(world)
    ask_again(world)


@pytest.mark.parametrize("recover", [nothing, wait_for_the_lease, wait_a_day])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_crossing_ends_as_if_there_had_been_none(name, recover):
    places = crash_at_every_crossing(World, SCENARIOS[name], recover=recover)

    assert len(places) > 4


@pytest.mark.parametrize("name", ["send-new-customer", "void", "refund"])
def test_what_workers_finish_after_a_crash_is_still_done_by_whoever_asked_for_it(name):
    caller = Actor(type=ActorType.TOKEN, id="token:7")

    def as_caller(do: Do) -> Do:
        def done(world: World) -> None:
            with acting_as(Origin(actor=caller, cause={"request_id": "r-1"})):
                do(world)

        return done

    def by_worker(world: World) -> None:
        with acting_as(by_job("settle_intents")):
            world.come_to_rest()

    def all_is_the_callers(world: World) -> None:
        scenario.check(world)
        with world.store.reading() as work:
            told = [entry.shown() for entry in entries(work, world.tenant)]
        after = [each for each in told if each["sequence"] > begins_after[0]]
        assert {each["actor"]["id"] for each in after} == {caller.id}
        assert {each["cause"]["request_id"] for each in after} == {"r-1"}

    def prepared(world: World) -> None:
        scenario.prepare(world)
        with world.store.reading() as work:
            begins_after[:] = [len(list(entries(work, world.tenant)))]

    scenario, begins_after = SCENARIOS[name], [0]
    again = None if scenario.again is None else as_caller(scenario.again)
    told = Scenario(
        prepare=prepared, act=as_caller(scenario.act), check=as_caller(all_is_the_callers), again=again
    )
    crash_at_every_crossing(World, told, recover=by_worker)


@pytest.mark.parametrize("recover", [ask_again, wait_and_ask_again])
@pytest.mark.parametrize("scenario", SENDS.values(), ids=SENDS)
def test_asking_again_after_a_crash_at_any_crossing_finishes_the_same_invoice(scenario, recover):
    crash_at_every_crossing(World, scenario, recover=recover)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_second_crash_at_any_crossing_of_the_recovery_changes_nothing(name):
    interrupted = False

    def recover_with_a_crash_at(second: int) -> Callable[[World], None]:
        def recover(world: World) -> None:
            nonlocal interrupted
            world.restart(crash_at(second).around)
            try:
                world.come_to_rest()
                interrupted = False
            except Crash:
                interrupted = True
            world.restart()

        return recover

    world, scenario = World(), SCENARIOS[name]
    scenario.prepare(world)
    go_back = moment_of(world)
    for first in count(1):
        go_back()
        attempt = act_until(world, scenario, first)
        go_back_to_the_crash = moment_of(world)
        for second in count(1):
            go_back_to_the_crash()
            recover_and_check(world, scenario, attempt, recover=recover_with_a_crash_at(second))
            if not interrupted:
                break
        if attempt.crash is None:
            break


def test_a_crash_at_any_crossing_of_a_scheduled_run_is_made_up_for_by_the_next():
    def prepare(world: World) -> None:
        world.connect()
        paid, refunded = world.sent(501), world.sent(502)
        for invoice in (paid, refunded):
            world.pay(invoice)
        world.stripe.refund(
            world.account_id,
            world.stripe.accounts[world.account_id].payments_of(refunded.stripe_invoice_id)[0].charge_id,
            700,
        )

    def work(world: World) -> None:
        world.bridge.reconciliation.reconcile_due()
        world.work_off()

    def the_next(world: World) -> None:
        """The next sweep on the same day."""
        world.clock.advance(timedelta(minutes=20))
        work(world)

    def check(world: World) -> None:
        paid, refunded = world.invoice(1), world.invoice(2)
        assert paid.status is refunded.status is InvoiceStatus.PAID
        assert (paid.amount_refunded, refunded.amount_refunded) == (0, 700)
        view = world.bridge.integrations.show(TENANT, world.integration_id)
        assert view.integration.last_reconciled_at is not None

    places = crash_at_every_crossing(
        World, Scenario(prepare=prepare, act=work, check=check), recover=the_next
    )

    assert "after a page of pages_since" in places
    assert len(places) > 20


def be_let_in_again(world: World) -> None:
    for _ in range(3):
        world.clock.advance(A_WHILE)
        world.work_off()
    world.connect(world.account_id, into=world.integration_id)


def be_revoked_and_let_in_again(world: World) -> None:
    world.stripe.revoke(world.account_id)
    world.work_off()
    world.bridge.reconciliation.reconcile(world.integration_id)
    be_let_in_again(world)


def leave_and_be_let_in_again(world: World) -> None:
    """Leave the account while Stripe does not answer lookups of earlier calls, and connect again once it does."""
    for look in ("find_customer", "find_invoice", "invoice", "was_sent", "refunds_of"):
        world.fail(look, OutcomeUnknown("cut"), times=50)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    for _ in range(3):
        world.clock.advance(GRACE)
        world.work_off()
    assert not world.has_access()
    world.stop_failing()
    be_let_in_again(world)


@pytest.mark.parametrize("recover", [be_revoked_and_let_in_again, leave_and_be_let_in_again])
@pytest.mark.parametrize("name", ["send-new-customer", "void", "refund"])
def test_being_locked_out_after_a_crash_at_any_crossing_hides_nothing_that_was_done(name, recover):
    scenario = SCENARIOS[name]
    if scenario in SENDS.values():
        scenario = replace(scenario, check=the_order_can_be_invoiced_once)

    crash_at_every_crossing(World, scenario, recover=recover)


def test_a_crash_at_any_crossing_of_an_authorization_leaves_the_integration_connected_or_not_never_half():
    redirect: dict[str, str] = {}

    def prepare(world: World) -> None:
        world.allow_own_endpoints()
        world.integration_id = world.add_integration()
        redirect.update(state=world.authorize(world.integration_id), code=world.consent())

    def check(world: World) -> None:
        integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
        if integration.connected:
            assert integration.snapshot
            assert integration.sealed_access_token
        else:
            assert (integration.snapshot, integration.sealed_access_token) == (None, None)
            world.connect(into=world.integration_id)
        world.account_id = integration.account_id or world.account_id
        assert world.sent().status is InvoiceStatus.OPEN
        world.come_to_rest()
        with world.store.reading() as work:
            receivers = work.receivers.of_integration(world.integration_id)
        assert {receiver.stripe_endpoint_id for receiver in receivers} == world.own_endpoints()
        assert len(receivers) == 1

    def come_back(world: World) -> None:
        outcome = world.come_back(**redirect)
        assert outcome.status in (AuthorizationStatus.CONNECTED, AuthorizationStatus.FAILED)

    scenario = Scenario(prepare=prepare, act=come_back, check=check)
    for recover in (nothing, come_back):
        places = crash_at_every_crossing(World, scenario, recover=recover)
        assert len(places) > 6


def test_a_crash_at_any_crossing_of_a_confirmation_redeems_at_most_once_and_one_authorizes_again():
    given: dict[str, str] = {}

    def prepare(world: World) -> None:
        world.integration_id = world.add_integration()
        state = world.authorize(world.integration_id, confirm=True)
        pending = world.come_back(state=state, code=world.consent()).pending
        assert pending is not None
        given.update(confirmation=pending.confirmation)

    def confirm(world: World) -> None:
        with suppress(ConfirmationInvalid):
            world.bridge.integrations.confirm_authorization(
                TENANT, world.integration_id, given["confirmation"]
            )

    def check(world: World) -> None:
        assert world.calls().count("redeem") <= 1
        integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
        if not integration.connected:
            assert (integration.snapshot, integration.sealed_access_token) == (None, None)
            world.connect(into=world.integration_id)
        world.account_id = integration.account_id or world.account_id
        assert world.has_access()

    scenario = Scenario(prepare=prepare, act=confirm, check=check)
    for recover in (nothing, confirm):
        places = crash_at_every_crossing(World, scenario, recover=recover)
        assert len(places) > 5


def test_a_crash_at_any_crossing_of_registering_leaves_each_endpoint_once_and_its_secret_here():
    def register(world: World) -> None:
        world.bridge.receivers.register()

    def register_again(world: World) -> None:
        """Try too early, which is refused, and then again later."""
        with suppress(OutcomeUnknown):
            register(world)
        world.clock.advance(A_WHILE)
        register(world)

    def replace_all(world: World) -> None:
        world.connect()
        register(world)
        endpoints = world.stripe.endpoints[None]
        for each in list(endpoints.values()):
            endpoints[each.id] = replace(each, api_version="2020-01-01")

    def check(world: World) -> None:
        at_stripe = world.stripe.endpoints[None]
        assert len(at_stripe) == 2
        assert {each.stripe_endpoint_id for each in world.bridge.receivers.list()} == set(at_stripe)
        assert [each.action for each in world.bridge.receivers.register()] == ["in order"] * 2

    for prepare in (World.connect, replace_all):
        scenario = Scenario(prepare=prepare, act=register, check=check, again=register_again)
        for recover in (nothing, wait_for_the_lease, wait_a_day):
            places = crash_at_every_crossing(World, scenario, recover=recover)
            assert len(places) > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_crossing_is_made_up_for_on_real_databases_and_over_http(name, new_world):
    places = crash_at_every_crossing(new_world, SCENARIOS[name], recover=nothing)

    assert len(places) > 4
