"""Compares our state at rest with Stripe's, object by object."""

from collections import Counter, defaultdict
from collections.abc import Collection
from typing import Any

from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.paging import PageRequest
from stripe_bridge.domain.refund import RefundState
from stripe_bridge.ports.storage.inbox import EventFilter
from tests.storm.service import Service
from tests.storm.users import Order, Shop

_SETTLED_REFUNDS = ("succeeded", "pending", "requires_action")
Json = dict[str, Any]
Shown = tuple[Any, ...]


def is_at_rest(service: Service) -> bool:
    """Whether no event is waiting and no intent is unsettled."""
    backlog = service.operator.operations.measure_backlog()
    waiting = sum(number for status, number in backlog.events.by_status.items() if status != "failed")
    on_their_way = [one for one in service.control.objects("deliveries") if one["status"] == "pending"]
    return not (waiting or sum(backlog.intents.by_status.values()) or on_their_way)


def faults(service: Service, orders: list[Order]) -> list[str]:
    """Every difference, in words."""
    theirs, ours = _Stripe(service), _ours(service, {order.shop for order in orders})
    found = [f"order {order.number} ({order.fate}): {order.fault}" for order in orders if order.fault]
    found += _differences(service, ours, theirs)
    found += _made_twice(service, orders, list(ours.values()), theirs)
    found += _not_stored(service)
    return found


def differences(service: Service, shops: Collection[Shop]) -> list[str]:
    """Every difference between these shops' objects and all that Stripe has, in words."""
    return _differences(service, _ours(service, shops), _Stripe(service))


def _ours(service: Service, shops: Collection[Shop]) -> dict[str, Invoice]:
    invoices = [invoice for shop in shops for invoice in _invoices(service, shop)]
    return {each.stripe_invoice_id: each for each in invoices if each.stripe_invoice_id is not None}


def _differences(service: Service, ours: dict[str, Invoice], theirs: "_Stripe") -> list[str]:
    found = [f"{id_} is Stripe's and not known here" for id_ in theirs.invoices.keys() - ours.keys()]
    for id_, invoice in ours.items():
        found += theirs.differences(id_, invoice)
        if invoice.contradicted_at is not None:
            found.append(f"{id_} was taken for wrong at {invoice.contradicted_at}, although no event was")
        found += _refunds_that_differ(service, id_, invoice, theirs)
    return found


class _Stripe:
    def __init__(self, service: Service) -> None:
        control = service.control
        self.invoices = {each["id"]: each for each in control.objects("invoices")}
        intents = {
            each["payment"]["payment_intent"]: each["invoice"] for each in control.objects("invoice_payments")
        }
        self.refunds: dict[str, list[Json]] = defaultdict(list)
        for refund in control.objects("refunds"):
            if refund["status"] in _SETTLED_REFUNDS:
                self.refunds[intents[refund["payment_intent"]]].append(refund)
        self.refund_objects: dict[str, dict[str, Shown]] = defaultdict(dict)
        for refund in control.objects("refunds"):
            shown = (refund["amount"], refund["currency"].upper(), refund["status"], refund["charge"])
            self.refund_objects[intents[refund["payment_intent"]]][refund["id"]] = shown
        self.disputes = {intents[each["payment_intent"]]: each for each in control.objects("disputes")}

    def differences(self, id_: str, ours: Invoice) -> list[str]:
        theirs = self.invoices.get(id_)
        if theirs is None:
            return (
                []
                if ours.status.value == "abandoned"
                else [f"{id_} is {ours.status.value} here, and gone at Stripe"]
            )
        refunded = sum(refund["amount"] for refund in self.refunds[id_])
        pairs = {
            "status": (ours.status.value, theirs["status"]),
            "amount_paid": (ours.amount_paid, theirs["amount_paid"]),
            "amount_remaining": (ours.amount_remaining, theirs["amount_remaining"]),
            "amount": (ours.amount, theirs["total"]),
            "amount_refunded": (ours.amount_refunded, refunded),
            "dispute": (ours.dispute_status, self.disputes.get(id_, {}).get("status")),
        }
        return [
            f"{id_} {name}: {here} here, {there} there"
            for name, (here, there) in pairs.items()
            if here != there
        ]


def _refunds_that_differ(service: Service, id_: str, ours: Invoice, theirs: _Stripe) -> list[str]:
    """Each refund by itself, since two wrong ones may still add up."""
    with service.store.reading() as work:
        here = {
            each.stripe_refund_id or "": (each.amount, each.currency, each.state.value, each.charge_id)
            for each in work.refunds.of_invoice(ours.id)
            if each.state is not RefundState.REFUSED
        }
    there = theirs.refund_objects[id_]
    return [
        f"{id_} refund {each}: {here.get(each)} here, {there.get(each)} there"
        for each in sorted(here.keys() | there.keys())
        if here.get(each) != there.get(each)
    ]


def _made_twice(service: Service, orders: list[Order], ours: list[Invoice], theirs: _Stripe) -> list[str]:
    found = []
    live = Counter(
        (invoice.tenant_id, invoice.sales_order_id)
        for invoice in ours
        if invoice.status.value in ("open", "paid")
    )
    for order in orders:
        key = (order.shop.tenant, order.number)
        wanted = 0 if order.fate.startswith("void") else 1
        if order.fault is None and live[key] != wanted:
            found.append(f"order {order.number} ({order.fate}) has {live[key]} live invoices, not {wanted}")
        made = [refund["amount"] for refund in theirs.refunds[order.invoice.get("stripe_invoice_id", "")]]
        if order.fate == "refund" and order.fault is None and made != [order.refunded]:
            found.append(f"order {order.number}: refunds of {made}, one of {order.refunded} asked for")
        if order.fault is None:
            found += _balance(service, order, theirs)
    buyers = Counter((each["account"], each["email"]) for each in service.control.objects("customers"))
    return found + [f"customer {key} was made {times} times" for key, times in buyers.items() if times > 1]


def _balance(service: Service, order: Order, theirs: _Stripe) -> list[str]:
    """What the order still owes, computed only from Stripe's side."""
    id_ = order.invoice["stripe_invoice_id"]
    dispute = theirs.disputes.get(id_, {})
    back = sum(refund["amount"] for refund in theirs.refunds[id_])
    lost = dispute["amount"] if dispute.get("status") == "lost" else 0
    expected = order.total - max(0, theirs.invoices[id_]["amount_paid"] - back - lost)
    owed = service.operator.sales_orders.show(order.shop.tenant, order.number).outstanding
    return [f"order {order.number} ({order.fate}) owes {owed}, not {expected}"] if owed != expected else []


def _not_stored(service: Service) -> list[str]:
    with service.store.reading() as work:
        stored = {event.stripe_event_id for event in work.inbox.oldest(None, EventFilter(), 1_000_000)}
        failed = work.inbox.backlog().by_status.get("failed", 0)
    taken = {
        delivery["event"]
        for delivery in service.control.objects("deliveries")
        if any(attempt["status"] == 200 for attempt in delivery["attempts"])
    }
    found = [f"{event} was answered with 200 and is not stored" for event in sorted(taken - stored)]
    return [*found, *([f"{failed} events failed"] if failed else [])]


def _invoices(service: Service, shop: Shop) -> list[Invoice]:
    found: list[Invoice] = []
    request = PageRequest(per_page=100)
    while True:
        page = service.operator.invoices.list(shop.tenant, shop.integration_id, None, request)
        found += [view.invoice for view in page.items]
        if page.next_cursor is None:
            return found
        request = PageRequest(per_page=100, before_id=found[-1].id)
