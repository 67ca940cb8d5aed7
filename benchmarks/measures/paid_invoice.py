"""One invoice that was sent through the service and paid, with what came of it: the pattern for copies."""

from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp, Json
from benchmarks.contenders.ours import Service
from benchmarks.load.payloads import as_sent
from benchmarks.load.player import post
from benchmarks.stand.copies import NUMBER, Copy


@dataclass(frozen=True)
class PaidInvoice:
    """`events` are stored, each as a row of the inbox, and not applied while no worker runs."""

    account: str
    integration: Json
    order: int
    invoice: Json
    events: tuple[Json, ...]

    @property
    def ids(self) -> list[str]:
        """Stripe's, of everything that belongs to this invoice alone."""
        objects = [event["data"]["object"] for event in self.events]
        methods = [object_.get("payment_method") for object_ in objects]
        found = [object_["id"] for object_ in objects] + [method for method in methods if method]
        return sorted(set(found) | {event["id"] for event in self.events})

    def copies(self, **invoices: str) -> list[Copy]:
        """What the service knows of an invoice, in the order in which tables need each other.

        `invoices` has SQL for columns of the invoices.
        """
        id_ = {"id": f"source.id + {NUMBER}"}
        own = id_ | {"sales_order_id": f"source.sales_order_id + {NUMBER}", **invoices}
        mine, of_copy = f"invoice_id = {self.invoice['id']}", {"invoice_id": f"source.invoice_id + {NUMBER}"}
        return [
            Copy("sales_orders", f"id = {self.order}", id_),
            Copy("invoices", f"id = {self.invoice['id']}", own, self.ids),
            Copy("payments", mine, of_copy, self.ids),
            Copy("links", mine, of_copy, self.ids),
        ]


def make(bench: Bench, service: Service, erp: Erp, order: int) -> PaidInvoice:
    """Through the service's own doors."""
    integration = erp.connect(bench.emulator)
    account = integration["stripe_account_id"]
    erp.order(order)
    invoice = erp.send(integration, order)
    events = bench.emulator.pay_all(account, [invoice["stripe_invoice_id"]])
    for event in events:
        post(service.webhooks, as_sent(event))
    return PaidInvoice(account, integration, order, invoice, tuple(events))
