"""The doctor checks receivers, calls that Stripe refused for good, and accounts that were disconnected."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.finding import Fix, Severity
from stripe_bridge.ports.stripe.errors import GatewayRefused, OutcomeUnknown
from tests.builders import TENANT
from tests.use_cases.operations.patient import RECEIVERS, diagnose, fix
from tests.world import World


@pytest.mark.parametrize(("spoil", "what"), RECEIVERS.values(), ids=RECEIVERS)
def test_a_receiver_that_is_not_in_order_is_found(world: World, spoil: Callable[[World], object], what: str):
    spoil(world)

    findings = diagnose(world)

    assert [finding.fix for finding in findings] == [Fix.REGISTER_RECEIVERS] * 2
    assert all(what in finding.what for finding in findings)


def test_endpoints_created_by_hand_need_no_registering_and_cannot_be_checked():
    (note,) = diagnose(World())

    assert (note.severity, note.fix) == (Severity.NOTE, None)
    assert "cannot be checked" in note.what


def test_a_call_that_hangs_is_found_and_settled(world: World):
    world.put_order()
    world.stripe.fail_next("create_draft", OutcomeUnknown("no answer"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    world.clock.advance(timedelta(minutes=61))
    world.bridge.reconciliation.reconcile(world.integration_id)

    (finding,) = diagnose(world)

    assert (finding.subject, finding.fix) == ("intents", Fix.RESOLVE_INTENTS)
    assert "Stripe shows no effect yet" in finding.what
    assert "settled" in fix(world)[0]


def refuse(world: World, *methods: str) -> None:
    for method in methods:
        world.fail(method, GatewayRefused(f"no {method}"))


def disconnect(world: World) -> None:
    world.bridge.integrations.disconnect(TENANT, world.integration_id)


def send_in_vain(world: World, order_id: int = 501) -> None:
    world.put_order(order_id)
    with suppress(BridgeError):
        world.send(order_id)


def test_an_invoice_that_could_be_neither_emailed_nor_voided_is_found_until_it_is_no_longer_payable(
    world: World,
):
    refuse(world, "send", "void")
    send_in_vain(world)

    (finding,) = diagnose(world)

    assert (finding.subject, finding.severity, finding.fix) == ("invoices", Severity.ERROR, None)
    assert finding.what == "1 invoice payable at Stripe, though neither emailed nor undone (1): no void"
    world.bridge.invoices.void(TENANT, 1)
    assert diagnose(world) == []


def test_an_invoice_that_stripe_refused_to_void_is_found_while_it_is_open(world: World):
    invoice = world.sent()
    refuse(world, "void")
    with suppress(BridgeError):
        world.bridge.invoices.void(TENANT, invoice.id)

    (finding,) = diagnose(world)

    assert (finding.subject, finding.severity) == ("invoices", Severity.WARNING)
    assert "which refused the void" in finding.what
    world.pay(invoice)
    world.bridge.reconciliation.reconcile(world.integration_id)
    assert diagnose(world) == []


def test_a_void_that_is_not_settled_is_not_called_refused(world: World):
    invoice = world.sent()
    refuse(world, "void")
    for _ in range(2):
        world.fail("void", OutcomeUnknown("cut"))
        with suppress(BridgeError):
            world.bridge.invoices.void(TENANT, invoice.id)

    assert world.unsettled()
    assert diagnose(world) == []


def test_stuck_drafts_are_found_and_deleted(world: World):
    refuse(world, "finalize", "delete_draft", "void")
    send_in_vain(world)

    (finding,) = diagnose(world)

    assert (finding.fix, finding.integration_id) == (Fix.RECONCILE, world.integration_id)
    assert "1 invoice still a draft, holding its order, after a failed send" in finding.what
    list(world.bridge.operations.apply_fixes([finding]))
    world.work_off()
    assert diagnose(world) == []
    assert world.at_stripe() == []


def test_what_was_refused_and_undone_is_no_finding(world: World):
    for number, step in enumerate(("create_customer", "create_draft", "add_lines", "finalize", "send")):
        refuse(world, step)
        send_in_vain(world, 501 + number)

    assert diagnose(world) == []


def test_many_are_reported_by_their_number_and_some_of_their_ids(world: World):
    for number in range(12):
        refuse(world, "send", "void")
        send_in_vain(world, 501 + number)

    (finding,) = diagnose(world)

    assert finding.what.startswith("12 invoices payable")
    assert "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …)" in finding.what


def test_an_account_whose_access_could_not_be_revoked_is_found_until_it_is_revoked(world: World):
    refuse(world, "deauthorize")
    disconnect(world)

    (finding,) = diagnose(world)

    assert (finding.subject, finding.severity) == (f"integration {world.integration_id}", Severity.ERROR)
    assert finding.what == f"Stripe refused to revoke our access to {world.account_id}: no deauthorize"
    world.fail("pages_since", OutcomeUnknown("cut"))
    assert diagnose(world) == [finding]
    world.stripe.revoke(world.account_id)
    assert diagnose(world) == []


def test_an_account_that_was_connected_again_needs_no_revoking(world: World):
    refuse(world, "deauthorize")
    disconnect(world)
    world.connect(world.account_id, into=world.integration_id)

    assert diagnose(world) == []


def test_an_account_disconnected_with_money_in_flight_is_found_for_some_time(world: World):
    world.sent()
    disconnect(world)

    (finding,) = diagnose(world)

    assert (finding.subject, finding.severity) == (f"integration {world.integration_id}", Severity.WARNING)
    assert f"{world.account_id} was disconnected with 1 invoice in flight" in finding.what
    assert f"in-flight {world.integration_id} --tenant {TENANT}" in finding.remedy
    world.clock.advance(timedelta(days=91))
    assert diagnose(world) == []


def test_what_another_integration_of_the_account_follows_is_not_unseen(world: World):
    world.sent()
    disconnect(world)
    world.connect(world.account_id, tenant="other")
    world.bridge.reconciliation.reconcile(world.integration_id)

    assert diagnose(world) == []
