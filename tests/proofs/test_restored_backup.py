"""The database may be lost, the money may not: it is lost in the middle of anything, and a backup of any earlier moment is
restored. Once the account is reconciled, every invoice, refund and dispute is as at Stripe, no order is billed twice, and
whatever was answered before is still true.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.errors.outcomes import Recovering
from stripe_bridge.domain.errors.rules import NothingOutstanding
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.domain.stripe_objects import METADATA_REFERENCE
from stripe_bridge.use_cases.reconciliation.recover import Recovery
from stripe_emulator.errors import StripeError
from tests.builders import AMOUNT, NOW
from tests.proofs.backups import Database, database_at
from tests.proofs.emulated_world import EmulatedWorld, emulated
from tests.world import A_WHILE

ALL = Recovery(since=NOW - timedelta(days=365))
STEPS = 24
# Events are fetched and not posted.
HELD_BACK = {"deliveries": {"hold": True}}


@dataclass
class Shop:
    """A merchant's days, drawn at random, and what the ERP was answered meanwhile: (id, order, Stripe id)."""

    world: EmulatedWorld
    random: random.Random
    orders: int = 0
    answered: set[tuple[int, int, str]] = field(default_factory=set)

    def step(self) -> None:
        happens: Callable[[], None] = self.random.choice(
            [
                self.an_order_is_sent,
                self.an_order_is_sent,
                self.an_order_is_sent,
                self.an_answer_is_lost,
                self.an_order_is_sent_again,
                self.a_customer_pays,
                self.a_customer_pays,
                self.it_is_refunded,
                self.the_merchant_refunds,
                self.a_customer_disputes,
                self.it_is_voided,
                self.events_come,
                self.events_come,
            ]
        )
        with suppress(BridgeError, StripeError):
            happens()
        self.world.clock.advance(timedelta(seconds=self.random.choice([1, 20, 90])))

    def an_order_is_sent(self) -> None:
        self.orders += 1
        self.world.put_order(self.orders)
        self.send(self.orders)

    def an_order_is_sent_again(self) -> None:
        self.send(self.random.randint(1, max(1, self.orders)))

    def an_answer_is_lost(self) -> None:
        effect = self.random.choice(["cut_after", "cut_before"])
        rule = {"effect": effect, "method": "POST", "nth": self.random.randint(1, 5)}
        self.world.control.misbehave({**HELD_BACK, "calls": [rule]})
        try:
            self.random.choice([self.an_order_is_sent, self.it_is_refunded, self.it_is_voided])()
        finally:
            self.world.control.misbehave(HELD_BACK)

    def a_customer_pays(self) -> None:
        self.world.pay(self.an_invoice(), self.random.choice([None, None, 1_000]))

    def it_is_refunded(self) -> None:
        self.world.refund(self.an_invoice().id, self.random.choice([None, 500]))

    def the_merchant_refunds(self) -> None:
        self.world.control.refund(self.a_charge(), self.random.choice([None, 300]))

    def a_customer_disputes(self) -> None:
        self.world.control.dispute(self.a_charge(), self.random.choice(["inquiry", "chargeback"]))

    def it_is_voided(self) -> None:
        self.world.bridge.invoices.void(self.world.tenant, self.an_invoice().id)

    def events_come(self) -> None:
        self.world.deliver()

    def send(self, order_id: int) -> None:
        invoice = self.world.send(order_id).view.invoice
        self.answered.add((invoice.id, order_id, str(invoice.stripe_invoice_id)))

    def an_invoice(self) -> Invoice:
        if not self.answered:
            raise NothingOutstanding
        id_, _, _ = self.random.choice(sorted(self.answered))
        return self.world.invoice(id_)

    def a_charge(self) -> str:
        charges = [each["id"] for each in self.world._objects("charges")]
        if not charges:
            raise NothingOutstanding
        return str(self.random.choice(charges))


@pytest.fixture
def database(database_url: str) -> Database:
    return database_at(database_url)


@dataclass
class Life:
    """One service after another on one database, with one Stripe."""

    emulator: Any
    clock: Any
    database: Database
    account_id: str | None = None
    integration_id: int | None = None
    signer: Any = None

    def begin(self) -> EmulatedWorld:
        """A service on the database as it is."""
        world = EmulatedWorld(self.emulator, self.clock, self.database.open())
        if self.signer is not None:
            world.adapters = replace(world.adapters, signer=self.signer)
            world.restart()
        if self.account_id is None or self.integration_id is None:
            world.connect(self.account_id)
            self.account_id, self.integration_id = world.account_id, world.integration_id
        world.account_id, world.integration_id = self.account_id, self.integration_id
        return world


@pytest.fixture
def life(database: Database) -> Iterator[Life]:
    with emulated() as (emulator, clock):
        yield Life(emulator, clock, database)


def end(world: EmulatedWorld) -> None:
    world.store.close()  # type: ignore[attr-defined]


def lost_in_the_middle(life: Life, seed: int) -> tuple[Shop, EmulatedWorld]:
    """The shop, and a service on a backup of a random moment of its life."""
    draw = random.Random(seed)
    world = life.begin()
    shop = Shop(world, draw)
    moment = draw.randrange(1, STEPS - 4)
    for _ in range(moment):
        shop.step()
    end(world)
    backup = life.database.back_up()
    shop.world = world = life.begin()
    for _ in range(STEPS - moment):
        shop.step()
    end(world)
    life.database.restore(backup)
    # No lease of a process that is gone outlives this.
    life.clock.advance(A_WHILE)
    return shop, life.begin()


def ours(world: EmulatedWorld) -> dict[str, Any]:
    return {each["id"]: each for each in world._objects("invoices") if METADATA_REFERENCE in each["metadata"]}


def stored(world: EmulatedWorld) -> dict[str, Invoice]:
    """By Stripe id."""
    with world.store.reading() as work:
        found = (work.links.find_invoice_id(world.account_id, id_) for id_ in ours(world))
        invoices = [work.invoices.find(id_) for id_ in found if id_ is not None]
    return {str(each.stripe_invoice_id): each for each in invoices if each is not None}


def check_as_at_stripe(world: EmulatedWorld, *, served_first: bool = False) -> None:
    at_stripe, here = ours(world), stored(world)
    payments = [each for each in world._objects("invoice_payments") if each["status"] == "paid"]
    invoice_of = {each["payment"]["payment_intent"]: each["invoice"] for each in payments}
    refunds: dict[str, dict[str, Any]] = {id_: {} for id_ in at_stripe}
    for each in world._objects("refunds"):
        refunds[invoice_of[each["payment_intent"]]][each["id"]] = each
    disputes: dict[str, dict[str, Any]] = {id_: {} for id_ in at_stripe}
    for each in world._objects("disputes"):
        disputes[invoice_of[each["payment_intent"]]][each["id"]] = each
    for id_, shown in at_stripe.items():
        invoice = here[id_]
        assert (invoice.status, invoice.amount_paid) == (shown["status"], shown["amount_paid"]), id_
        with world.store.reading() as work:
            known = {
                each.stripe_refund_id: each
                for each in work.refunds.of_invoice(invoice.id)
                if each.state is not RefundState.REFUSED
            }
            known_disputes = {each.stripe_id: each.status for each in work.disputes.of_invoice(invoice.id)}
        assert {key: each.state.value for key, each in known.items()} == {
            key: each["status"] for key, each in refunds[id_].items()
        }, id_
        assert known_disputes == {key: each["status"] for key, each in disputes[id_].items()}, id_
        for key, each in refunds[id_].items():
            # Before the restore is noticed, a refund that the merchant made may get the id of one that was lost.
            if "refund_id" in each["metadata"] and not served_first:
                assert known[key].id == int(each["metadata"]["refund_id"])


def check_answers(world: EmulatedWorld, shop: Shop) -> None:
    for id_, order_id, stripe_id in shop.answered:
        if stripe_id == "None" or stripe_id not in ours(world):
            continue
        invoice = world.invoice(id_)
        assert (invoice.sales_order_id, invoice.stripe_invoice_id) == (order_id, stripe_id)


def check_billed_once(world: EmulatedWorld) -> None:
    """At Stripe: what is asked for or was paid, and not given back, is at most the order's total."""
    refunded: dict[str, int] = {}
    payments = [each for each in world._objects("invoice_payments") if each["status"] == "paid"]
    invoice_of = {each["payment"]["payment_intent"]: each["invoice"] for each in payments}
    for each in world._objects("refunds"):
        if each["status"] not in ("failed", "canceled"):
            owner = invoice_of[each["payment_intent"]]
            refunded[owner] = refunded.get(owner, 0) + each["amount"]
    lost = {
        invoice_of[each["payment_intent"]] for each in world._objects("disputes") if each["status"] == "lost"
    }
    asked: dict[str, int] = {}
    for id_, shown in ours(world).items():
        if shown["status"] in ("open", "paid") and id_ not in lost:
            order = shown["metadata"]["sales_order_id"]
            asked[order] = asked.get(order, 0) + shown["total"] - refunded.get(id_, 0)
    assert {order: amount for order, amount in asked.items() if amount > AMOUNT} == {}


def send_all_again(world: EmulatedWorld, shop: Shop) -> None:
    """An ERP that lost track sends everything once more."""
    for order_id in range(1, shop.orders + 1):
        world.put_order(order_id, source_updated_at=NOW + timedelta(days=1))
        with suppress(BridgeError):
            world.send(order_id)


def recovered(world: EmulatedWorld) -> None:
    report = world.bridge.reconciliation.reconcile(world.integration_id, recovery=ALL)
    assert report.faults == ()


def check_all(world: EmulatedWorld, shop: Shop, *, served_first: bool = False) -> None:
    world.work_off()
    check_as_at_stripe(world, served_first=served_first)
    check_answers(world, shop)
    check_billed_once(world)
    send_all_again(world, shop)
    world.come_to_rest()
    check_billed_once(world)
    world.deliver()
    check_as_at_stripe(world, served_first=served_first)
    check_answers(world, shop)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_if_it_is_reconciled_first(life: Life, seed: int):
    shop, world = lost_in_the_middle(life, seed)
    recovered(world)
    check_all(world, shop)
    end(world)


@pytest.mark.parametrize("seed", range(8, 16))
def test_nothing_is_billed_twice_if_it_serves_first(life: Life, seed: int):
    shop, world = lost_in_the_middle(life, seed)
    here = stored(world)
    lost = [id_ for id_ in ours(world) if id_ not in here]
    events = [each for each in world.events() if each["data"]["object"]["id"] in lost]
    known = {each["data"]["object"]["id"] for each in events if each["type"].startswith("invoice.")}
    for event in events[:1]:
        world.receive(event)
        world.bridge.webhook_events.apply()
    if known and any_is_detected(world):
        for order_id in range(1, shop.orders + 1):
            world.put_order(order_id, source_updated_at=NOW + timedelta(hours=1))
            with pytest.raises(Recovering):
                world.send(order_id)
    world.deliver()
    check_billed_once(world)
    recovered(world)
    check_all(world, shop, served_first=True)
    end(world)


def any_is_detected(world: EmulatedWorld) -> bool:
    with world.store.reading() as work:
        return bool(work.recoveries.open_holds())
