"""An invoice that was sent through the service and paid, with everything that belongs to it, to be copied."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp, Json
from benchmarks.contenders.ours import Service
from benchmarks.load.payloads import as_sent
from benchmarks.load.player import post
from benchmarks.stand.copies import NUMBER, Copy


@dataclass(frozen=True)
class PaidInvoice:
    """`events` are stored in the inbox; they are not applied while no worker runs."""

    account: str
    integration: Json
    order: int
    invoice: Json
    events: tuple[Json, ...]

    @property
    def ids(self) -> list[str]:
        """The Stripe ids of everything that belongs only to this invoice."""
        objects = [event["data"]["object"] for event in self.events]
        methods = [object_.get("payment_method") for object_ in objects]
        found = [object_["id"] for object_ in objects] + [method for method in methods if method]
        return sorted(set(found) | {event["id"] for event in self.events})

    def copies(self, orders: Mapping[str, str] = MappingProxyType({}), **invoices: str) -> list[Copy]:
        """The rows that the service has about the invoice, ordered so that referenced rows come first.

        `orders` and `invoices` have SQL expressions for columns of these tables.
        """
        id_ = {"id": f"source.id + {NUMBER}"}
        own = id_ | {"sales_order_id": f"source.sales_order_id + {NUMBER}", **invoices}
        mine, of_copy = f"invoice_id = {self.invoice['id']}", {"invoice_id": f"source.invoice_id + {NUMBER}"}
        return [
            Copy("sales_orders", f"id = {self.order}", {**id_, **orders}),
            Copy("invoices", f"id = {self.invoice['id']}", own, self.ids),
            Copy("payments", mine, of_copy, self.ids),
            Copy("links", mine, of_copy, self.ids),
        ]


def make(bench: Bench, service: Service, erp: Erp, order: int) -> PaidInvoice:
    """Create it through the service's public interfaces."""
    integration = erp.connect(bench.emulator)
    account = integration["stripe_account_id"]
    erp.order(order)
    invoice = erp.send(integration, order)
    events = bench.emulator.pay_all(account, [invoice["stripe_invoice_id"]])
    for event in events:
        post(service.webhooks, as_sent(event))
    return PaidInvoice(account, integration, order, invoice, tuple(events))
