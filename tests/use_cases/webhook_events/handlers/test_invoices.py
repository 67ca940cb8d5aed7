"""What each kind of event changes, and what it does not."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from stripe_bridge.bootstrap.steps import handlers_of
from stripe_bridge.domain.errors.outcomes import InvoiceNotSent
from stripe_bridge.domain.integration import SyncStatus
from stripe_bridge.domain.invoice import InvoiceStatus
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import StripeInvoice
from stripe_bridge.domain.webhook_event import EventStatus, SkipReason, parse_event
from stripe_bridge.ports.stripe.errors import GatewayRefused
from stripe_bridge.use_cases.webhook_events.handlers.handler import Fetched, HandlerResult, NeedsRefetch
from tests.builders import AMOUNT, TENANT, a_stripe_payment
from tests.fakes.stripe import payloads
from tests.world import CLIENT_ID, Event, World


def newest(world: World):
    return world.events_stored()[0]


def told(world: World, prefix: str) -> list[Event]:
    return [event for event in world.events() if event["type"].startswith(prefix)]


def test_a_payment_shows_from_its_webhooks_alone(world: World):
    invoice = world.sent()
    world.pay(invoice)
    calls = world.calls()

    world.deliver()

    paid = world.invoice(invoice.id)
    assert (paid.status, paid.amount_paid, paid.paid_at) == (InvoiceStatus.PAID, AMOUNT, world.clock.now())
    assert (paid.stripe_charge_id, paid.amount_collected) == (paid.stripe_charge_id, AMOUNT)
    assert world.calls() == calls


def test_an_older_snapshot_changes_nothing(world: World):
    invoice = world.sent()
    (opened,) = told(world, "invoice.finalized")
    world.pay(invoice)
    world.deliver()
    before = world.invoice(invoice.id)

    world.deliver([opened])

    assert world.invoice(invoice.id) == before
    assert newest(world).status is EventStatus.PROCESSED


def test_a_void_by_the_merchant_frees_the_order(world: World):
    invoice = world.sent()
    world.adapters.invoice_gateway.void(world.account_id, str(invoice.stripe_invoice_id), "the-merchants-own")

    world.deliver()

    assert world.invoice(invoice.id).status is InvoiceStatus.VOID
    assert world.order().open_invoice is None


def test_an_uncollectible_invoice_that_is_paid_after_all_is_paid(world: World):
    invoice = world.sent()
    world.stripe.mark_uncollectible(world.account_id, invoice.stripe_invoice_id)
    world.deliver()
    assert world.invoice(invoice.id).status is InvoiceStatus.UNCOLLECTIBLE
    world.pay(invoice)
    world.deliver()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID


def test_an_event_about_an_invoice_that_stripe_no_longer_has_is_no_fault(world: World):
    invoice = world.sent()
    (opened,) = told(world, "invoice.finalized")
    del world.stripe.accounts[world.account_id].invoices[invoice.stripe_invoice_id]
    opened["data"]["object"]["metadata"] = {"something": "else"}

    world.deliver([opened])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(invoice.id) == invoice


def test_a_charge_of_a_second_payment_is_tied_to_its_invoice_by_asking_stripe(world: World):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    charge = world.stripe.accounts[world.account_id].charges.charges[payment.charge_id]

    world.deliver(
        [world.event("charge.succeeded", payloads.charge_object(charge, invoice.stripe_customer_id))]
    )

    assert {payment.payment_intent_id, payment.charge_id} <= world.links(invoice.id)
    assert world.invoice(invoice.id).amount_collected == 2_000


def test_a_payment_that_was_collected_before_it_was_tied_to_the_invoice_shows_its_charge(world: World):
    invoice = world.sent()
    account = world.stripe.accounts[world.account_id]
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    charge = account.charges.charges[payment.charge_id]
    succeeded = world.event("charge.succeeded", payloads.charge_object(charge, invoice.stripe_customer_id))
    tied = account.payments.pop(payment.id)
    world.deliver([succeeded])
    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT

    account.payments[tied.id] = tied
    world.deliver([world.event("invoice_payment.paid", payloads.payment_object(tied))])

    shown = world.invoice(invoice.id)
    assert (shown.stripe_charge_id, shown.amount_collected) == (charge.id, 2_000)
    assert charge.id in world.links(invoice.id)


def test_a_second_payment_costs_one_call_whichever_of_its_events_comes_first(world: World):
    for order_id, of_first in ((501, "charge."), (502, "invoice_payment.")):
        invoice = world.sent(order_id)
        world.deliver()
        payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
        calls = len(world.calls())
        events = [e for e in world.events() if payment.payment_intent_id in json.dumps(e)]

        world.deliver(sorted(events, key=lambda event: not event["type"].startswith(of_first)))

        assert len(world.calls()) == calls + 1
        assert world.invoice(invoice.id).stripe_charge_id == payment.charge_id


@pytest.mark.parametrize("kind", ["charge.failed", "payment_intent.payment_failed"])
def test_a_failed_charge_is_linked_but_never_shown_as_the_invoices(world: World, kind: str):
    invoice = world.sent()
    intent_id = invoice.stripe_payment_intent_id
    objects = {
        "charge.failed": {"id": "ch_failed", "payment_intent": intent_id, "status": "failed"},
        "payment_intent.payment_failed": {"id": intent_id, "latest_charge": "ch_failed"},
    }
    world.deliver([world.event(kind, objects[kind] | {"object": kind.split(".")[0]})])

    assert "ch_failed" in world.links(invoice.id)
    assert world.invoice(invoice.id).stripe_charge_id is None
    world.pay(invoice)
    world.deliver()
    assert world.invoice(invoice.id).stripe_charge_id != "ch_failed"


def test_a_refund_in_stripes_dashboard_enters_the_ledger_by_any_of_its_events(world: World):
    for order_id, kind in ((501, "refund.updated"), (502, "charge.refunded")):
        invoice = world.paid(order_id)
        world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500, reason="duplicate")
        world.deliver(told(world, kind))

        (refund,) = world.bridge.refunds.list(TENANT, invoice.id)
        assert (refund.amount, refund.state, refund.user_id) == (1_500, RefundState.SUCCEEDED, None)
        assert world.invoice(invoice.id).amount_refunded == 1_500


@pytest.mark.parametrize("kind", ["refund.updated", "charge.refunded", "charge.dispute.updated"])
def test_money_back_of_a_payment_that_is_not_known_yet_is_tied_to_its_invoice_by_asking_stripe(
    world: World, kind: str
):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000)
    if kind == "charge.dispute.updated":
        world.stripe.dispute(world.account_id, payment.charge_id)
    else:
        world.stripe.refund(world.account_id, payment.charge_id, 500)

    world.deliver(told(world, kind))

    seen = world.invoice(invoice.id)
    assert seen.amount_collected == 2_000
    back = (0, "needs_response") if kind == "charge.dispute.updated" else (500, None)
    assert (seen.amount_refunded, seen.dispute_status) == back


def test_what_is_known_of_other_refunds_does_not_hide_one_of_the_same_amount(world: World):
    invoice = world.sent()
    payments = [world.stripe.pay(world.account_id, invoice.stripe_invoice_id, 2_000) for _ in range(2)]
    world.deliver()
    for payment in payments:
        world.stripe.refund(world.account_id, payment.charge_id, 500)
        world.deliver(told(world, "charge.refunded"))
    assert world.invoice(invoice.id).amount_refunded == 1_000

    failed = next(iter(world.refunds_at_stripe()))
    world.stripe.change_refund(world.account_id, failed.id, "failed")
    world.deliver(told(world, "refund.failed"))
    assert world.invoice(invoice.id).amount_refunded == 500
    world.stripe.refund(world.account_id, failed.charge_id, 500)
    world.deliver([each | {"id": f"{each['id']}_again"} for each in told(world, "charge.refunded")])
    assert world.invoice(invoice.id).amount_refunded == 1_000


def test_a_refund_is_counted_once_however_many_events_tell_of_it(world: World):
    invoice = world.paid()
    world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    events = told(world, "refund") + told(world, "charge.refunded")
    for number, event in enumerate(events * 3):
        world.deliver([event | {"id": f"evt_again_{number}"}])

    assert world.invoice(invoice.id).amount_refunded == 1_500


def looked_at(world: World, event: Event, version: int = 0) -> Callable[[], HandlerResult]:
    """What a worker that knew this version now finds at Stripe, to be applied later; 0 for what is not known here yet."""
    handler = handlers_of(world.settings, world.adapters).handlers[event["type"]]
    parsed = parse_event(json.dumps(event).encode())
    seen = Fetched(handler.fetch(world.account_id, parsed), version)

    def apply() -> HandlerResult:
        with world.store.writing() as work:
            verdict: HandlerResult = handler.apply(work, world.account_id, parsed, seen)
            work.commit()
        return verdict

    return apply


def test_a_refund_as_it_was_before_others_entered_it_is_not_taken_for_its_present_state(world: World):
    invoice = world.paid()
    world.stripe.new_refund_status = "pending"
    refund = world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    (created,) = told(world, "refund")
    apply = looked_at(world, created)
    world.stripe.change_refund(world.account_id, refund.id, "requires_action")
    world.deliver(told(world, "refund"))

    assert isinstance(apply(), NeedsRefetch)
    (entered,) = world.bridge.refunds.list(TENANT, invoice.id)
    assert entered.state is RefundState.REQUIRES_ACTION


def test_a_refund_that_no_longer_waits_for_the_customer_is_pending_again(world: World):
    invoice = world.paid()
    world.stripe.new_refund_status = "pending"
    refund = world.stripe.refund(world.account_id, invoice.stripe_charge_id, 1_500)
    for number, status in enumerate(("requires_action", "pending")):
        world.stripe.change_refund(world.account_id, refund.id, status)
        world.deliver([event | {"id": f"evt_{number}"} for event in told(world, "refund")])

        (shown,) = world.bridge.refunds.list(TENANT, invoice.id)
        assert shown.state.value == status


def test_a_dispute_is_followed_back_and_forth_to_its_present_state(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    (opened,) = told(world, "charge.dispute")
    world.stripe.change_dispute(world.account_id, dispute.id, "under_review")
    (reviewed,) = told(world, "charge.dispute")

    world.deliver([reviewed, opened])

    assert world.invoice(invoice.id).dispute_status == "under_review"


def test_a_dispute_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(world: World):
    invoice = world.paid()
    dispute = world.stripe.dispute(world.account_id, invoice.stripe_charge_id)
    world.deliver(told(world, "charge.dispute"))
    world.stripe.change_dispute(world.account_id, dispute.id, "under_review")
    apply = looked_at(world, told(world, "charge.dispute")[0], version=1)
    world.stripe.change_dispute(world.account_id, dispute.id, "won")
    world.deliver(told(world, "charge.dispute"))

    assert isinstance(apply(), NeedsRefetch)
    assert world.invoice(invoice.id).dispute_status == "won"


@pytest.mark.parametrize("named_by", ["invoice", "payment_intent"])
def test_a_checkout_session_that_pays_our_invoice_is_read_from_the_invoice_itself(
    world: World, named_by: str
):
    invoice = world.sent()
    payment = world.stripe.pay(world.account_id, invoice.stripe_invoice_id, AMOUNT - 500)
    at_stripe = world.stripe.accounts[world.account_id].invoices
    partly_paid = at_stripe[invoice.stripe_invoice_id]
    names = {"invoice": partly_paid.id, "payment_intent": payment.payment_intent_id}
    session = {"object": "checkout.session", named_by: names[named_by]}

    world.deliver([world.event("checkout.session.completed", session | {"id": "cs_1"})])
    assert world.invoice(invoice.id).amount_paid == AMOUNT - 500
    # A credit note: only Stripe could tell that this is newer, and just has.
    at_stripe[partly_paid.id] = replace(partly_paid, amount_remaining=100)
    world.deliver([world.event("checkout.session.completed", session | {"id": "cs_2"})])
    assert world.invoice(invoice.id).amount_remaining == 100


def test_a_checkout_session_for_an_invoice_that_stripe_no_longer_has_is_no_fault(world: World):
    invoice = world.sent()
    del world.stripe.accounts[world.account_id].invoices[invoice.stripe_invoice_id]
    session = {"id": "cs_1", "object": "checkout.session", "invoice": invoice.stripe_invoice_id}

    world.deliver([world.event("checkout.session.completed", session)])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(invoice.id) == invoice


@pytest.mark.parametrize("kind", ["checkout.session.completed", "credit_note.created"])
def test_an_invoice_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(
    world: World, kind: str
):
    invoice = world.sent()
    tells = {"id": "told_1", "object": "object", "invoice": invoice.stripe_invoice_id}
    apply = looked_at(world, world.event(kind, tells))
    at_stripe = world.stripe.accounts[world.account_id].invoices
    shown = at_stripe[invoice.stripe_invoice_id]
    at_stripe[shown.id] = replace(shown, amount_remaining=AMOUNT - 500)
    world.deliver([world.event("credit_note.created", {"invoice": shown.id})])
    assert world.invoice(invoice.id).amount_remaining == AMOUNT - 500

    assert isinstance(apply(), NeedsRefetch)
    assert world.invoice(invoice.id).amount_remaining == AMOUNT - 500


def test_a_foreign_checkout_session_is_skipped(world: World):
    session = {"id": "cs_1", "object": "checkout.session", "payment_intent": "pi_theirs"}
    asked = world.calls()

    world.deliver([world.event("checkout.session.completed", session)])

    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT
    assert world.calls() == [*asked, "find_payment"]


def test_a_foreign_invoices_payment_is_skipped(world: World):
    payment = payloads.payment_object(a_stripe_payment(invoice_id="in_theirs"))

    world.deliver([world.event("invoice_payment.paid", payment)])

    assert newest(world).skip_reason is SkipReason.FOREIGN_OBJECT


def test_a_draft_that_is_deleted_while_it_is_being_sent_is_left_to_its_sending(world: World):
    world.put_order()

    def told_too_early() -> None:
        (draft,) = world.at_stripe()
        world.deliver([world.event("invoice.deleted", payloads.invoice_object(draft))])
        assert world.invoice(1).status is InvoiceStatus.DRAFT

    world.stripe.before_next("finalize", told_too_early)

    assert world.send().view.invoice.status is InvoiceStatus.OPEN


def test_a_draft_that_the_merchant_deletes_is_void_and_frees_its_order(world: World):
    world.put_order()
    for step in ("finalize", "delete_draft", "void"):
        world.fail(step, GatewayRefused("no"))
    with pytest.raises(InvoiceNotSent):
        world.send()
    (draft,) = world.at_stripe()
    assert world.invoice(1).status is InvoiceStatus.DRAFT

    world.deliver([world.event("invoice.deleted", payloads.invoice_object(draft))])

    assert world.invoice(1).status is InvoiceStatus.VOID
    assert world.order().open_invoice is None


def test_the_deletion_of_a_draft_whose_send_was_given_up_does_not_bring_it_back(world: World):
    world.put_order()
    world.stripe.before_next("delete_draft", lambda: drafts.extend(world.at_stripe()))
    world.fail("add_lines", GatewayRefused("no"))
    drafts: list[StripeInvoice] = []
    with pytest.raises(InvoiceNotSent):
        world.send()

    world.deliver([world.event("invoice.deleted", payloads.invoice_object(drafts[0]))])

    assert newest(world).status is EventStatus.PROCESSED
    assert world.invoice(1).status is InvoiceStatus.ABANDONED


def test_accounts_are_followed_to_their_present_state_whatever_the_payload_says(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)
    payload = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
    world.stripe.change_account(world.account_id, charges_enabled=True, country="AT")

    world.deliver([world.event("account.updated", payload)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert (integration.sync_status, integration.snapshot.country) == (SyncStatus.ACTIVE, "AT")


def test_an_account_as_it_was_before_others_changed_it_is_not_taken_for_its_present_state(world: World):
    def tell(*, charges_enabled: bool) -> Event:
        world.stripe.change_account(world.account_id, charges_enabled=charges_enabled)
        return world.event(
            "account.updated", payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
        )

    version = world.bridge.integrations.show(TENANT, world.integration_id).integration.version
    able = looked_at(world, tell(charges_enabled=True), version)
    world.deliver([tell(charges_enabled=False)])

    able()

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert integration.sync_status is SyncStatus.RESTRICTED


def test_an_account_that_may_no_longer_charge_is_restricted(world: World):
    world.stripe.change_account(world.account_id, charges_enabled=False)
    payload = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)

    world.deliver([world.event("account.updated", payload)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert integration.sync_status is SyncStatus.RESTRICTED


def deauthorized(world: World, client_id: str = CLIENT_ID):
    return world.event("account.application.deauthorized", payloads.application_object(client_id))


def test_a_merchant_who_shows_us_out_disconnects_the_integration(world: World):
    world.stripe.revoke(world.account_id)

    world.deliver([deauthorized(world)])

    integration = world.bridge.integrations.show(TENANT, world.integration_id).integration
    assert (integration.connected, integration.sealed_access_token) == (False, None)
    assert newest(world).related_object_id == world.account_id


def test_a_deauthorization_older_than_a_reconnect_is_not_believed(world: World):
    world.deliver([deauthorized(world)])

    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    assert newest(world).skip_reason is SkipReason.STILL_CONNECTED


def test_a_probe_from_before_a_reconnect_disconnects_nothing(world: World):
    version = world.bridge.integrations.show(TENANT, world.integration_id).integration.version
    world.stripe.revoke(world.account_id)
    apply = looked_at(world, deauthorized(world), version)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.connect(world.account_id, into=world.integration_id)

    assert isinstance(apply(), NeedsRefetch)
    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected


def test_another_applications_deauthorization_is_none_of_ours(world: World):
    world.stripe.revoke(world.account_id)

    world.deliver([deauthorized(world, "ca_other")])

    assert world.bridge.integrations.show(TENANT, world.integration_id).integration.connected
    assert newest(world).skip_reason is SkipReason.OTHER_APPLICATION


def test_our_own_deauthorization_comes_back_as_an_event_that_changes_nothing(world: World):
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    before = world.bridge.integrations.show(TENANT, world.integration_id)

    world.deliver([deauthorized(world)])

    assert world.bridge.integrations.show(TENANT, world.integration_id) == before


@pytest.mark.parametrize("kind", ["account.updated", "invoice.paid"])
def test_late_events_of_a_disconnected_integration_are_kept_under_it_and_skipped(world: World, kind: str):
    invoice = world.sent()
    world.pay(invoice)
    if kind == "invoice.paid":
        (event,) = told(world, kind)
    else:
        shown = payloads.account_object(world.stripe.accounts[world.account_id].snapshot)
        event = world.event(kind, shown)
    world.bridge.integrations.disconnect(TENANT, world.integration_id)

    world.deliver([event])

    assert newest(world).integration_id == world.integration_id
    assert (newest(world).status, newest(world).skip_reason) == (EventStatus.SKIPPED, SkipReason.DISCONNECTED)


@pytest.mark.parametrize("tenant", [TENANT, "other"])
def test_what_was_skipped_for_a_disconnect_is_applied_when_another_integration_has_the_account(
    world: World, tenant: str
):
    invoice = world.sent()
    world.bridge.integrations.disconnect(TENANT, world.integration_id)
    world.come_to_rest()
    world.pay(invoice)
    world.deliver()
    assert world.invoice(invoice.id).status is InvoiceStatus.OPEN

    world.connect(world.account_id, tenant=tenant)
    world.work_off()

    assert world.invoice(invoice.id).status is InvoiceStatus.PAID
