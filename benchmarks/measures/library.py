"""Millions of invoices and events to read."""

from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.contenders.erp import Erp, Json
from benchmarks.contenders.ours import Service
from benchmarks.load.wrk import LoadFailed
from benchmarks.measures.paid_invoice import PaidInvoice, make
from benchmarks.options import EVENT_TYPES
from benchmarks.stand.copies import NUMBER, Copy, loading, replaced, restart_sequence
from tests.waiting import wait_until

PAYLOAD_BYTES = 256
"""Lists never read it."""
_AT_ONCE = 250_000
_FINISHED = "SELECT count(*) FROM webhook_events WHERE status = 'processed'"
_BUSY_OBJECT = "ch_sought"

# The counts that triggers would have kept if they had run for the copies.
_TOTALS = """
TRUNCATE event_counts, event_count_changes, invoice_counts, invoice_count_changes;
INSERT INTO event_counts (tenant_id, integration_id, event_type, status, number)
    SELECT tenant_id, integration_id, event_type, status, count(*) FROM webhook_events GROUP BY 1, 2, 3, 4;
INSERT INTO invoice_counts (integration_id, status, number)
    SELECT integration_id, status, count(*) FROM invoices GROUP BY 1, 2;
"""


@dataclass(frozen=True)
class Library:
    """What there is to read. With five million invoices, every list has a page 50,000."""

    integration: Json
    first_invoice: int
    last_invoice: int
    order: int
    stripe_id: str
    day: str

    def lists(self) -> dict[str, str]:
        """Every list that has pages, with each of its filters."""
        own = self.integration["id"]
        invoices, events = f"/api/stripe/integrations/{own}/invoices", "/api/stripe/webhook-events"
        return {
            "integrations": "/api/stripe/integrations?",
            "invoices": f"{invoices}?",
            "invoices, status": f"{invoices}?status=void",
            "events": f"{events}?",
            "events, integration": f"{events}?integration_instance_id={own}",
            "events, status": f"{events}?status=failed",
            "events, type": f"{events}?event_type=invoice.paid",
            "events, object": f"{events}?related_object_id={_BUSY_OBJECT}",
        }


def fill(bench: Bench, service: Service, erp: Erp) -> Library:
    """Create one invoice in the normal way, and copy the rows that it leaves behind."""
    paid = make(bench, service, erp, order=1)
    service.start_worker()
    wait_until(lambda: bench.postgres.value(service.database, _FINISHED) == len(paid.events))
    service.stop_worker()
    options = bench.options
    copies = _copies(bench, service, paid)
    fewer = {"integrations": options.invoices // 4, "billed_customers": _customers(options.invoices)}
    with bench.postgres.connect(service.database) as connection:
        for copy in copies:
            copy.keep(connection)
        with loading(connection, [copy.table for copy in copies]):
            for copy in copies:
                count = fewer.get(copy.table, options.invoices)
                for first in range(1, count + 1, _AT_ONCE):
                    copy.insert(connection, first, min(first + _AT_ONCE - 1, count))
                bench.report(f"  {copy.table}: {count:,} copies")
        for table in ("integrations", "billed_customers", "invoices"):
            restart_sequence(connection, table)
        connection.execute(_TOTALS)
        connection.execute("CHECKPOINT")
    first = paid.invoice["id"]
    day = bench.postgres.value(
        service.database, f"SELECT min(created_at)::date + 1 FROM invoices WHERE id > {first}"
    )
    library = Library(
        integration=paid.integration,
        first_invoice=first,
        last_invoice=first + options.invoices,
        order=paid.order + options.invoices // 2,
        stripe_id=paid.invoice["stripe_invoice_id"],
        day=str(day),
    )
    _check(erp, library, {"invoices": options.invoices + 1, "events": options.events + len(paid.events)})
    return library


def _check(erp: Erp, library: Library, wanted: dict[str, int]) -> None:
    """Raises LoadFailed unless everything is there and the service counts it."""
    for name, number in wanted.items():
        if (total := erp.ask("GET", library.lists()[name])["total"]) != number:
            raise LoadFailed(f"{name}: {total} of {number}")


def _customers(invoices: int) -> int:
    """Each of them has twenty invoices."""
    return max(1, invoices // 20)


def _copies(bench: Bench, service: Service, paid: PaidInvoice) -> list[Copy]:
    types = ", ".join(f"'{type_}'" for type_ in EVENT_TYPES)
    objects = sorted({event["data"]["object"]["id"] for event in paid.events})
    events = {
        "id": "nextval(pg_get_serial_sequence('webhook_events', 'id'))",
        "status": f"CASE {NUMBER} % 8 WHEN 1 THEN 'skipped' WHEN 2 THEN 'failed' ELSE 'processed' END",
        "related_object_id": f"CASE WHEN source.event_type = 'charge.succeeded' AND {NUMBER} % 3 = 0"
        f" THEN '{_BUSY_OBJECT}' ELSE {replaced('source.related_object_id', objects)} END",
        "payload": f"convert_to(repeat(md5({NUMBER}::text), {PAYLOAD_BYTES // 32}), 'UTF8')",
    }
    unconnected = {"id": f"source.id + {NUMBER}", "connected": "false", "account_id": "NULL"}
    own_customer = f"SELECT customer_id FROM invoices WHERE id = {paid.invoice['id']}"
    customer = int(bench.postgres.value(service.database, own_customer))
    customers = {
        "id": f"source.id + {NUMBER}",
        "erp_customer_id": f"source.erp_customer_id + {NUMBER}",
        "email": f"'jenny' || {NUMBER} || '@example.com'",
    }
    # A quarter are open, a quarter void, the rest paid; of the open ones some had a payment that failed.
    invoices = {
        "status": f"CASE {NUMBER} % 4 WHEN 0 THEN 'open' WHEN 1 THEN 'void' ELSE 'paid' END",
        "payment_progress": f"CASE WHEN {NUMBER} % 200 = 0 THEN 'failed' END",
        "amount_paid": f"CASE WHEN {NUMBER} % 4 < 2 THEN 0 ELSE source.amount_paid END",
        "number": f"'BENCH-' || lpad({NUMBER}::text, 8, '0')",
        "customer_id": f"source.customer_id + 1 + {NUMBER} % {_customers(bench.options.invoices)}",
        # One a second: five million are two months'.
        "created_at": f"source.created_at + ({NUMBER} - {bench.options.invoices}) * interval '1 second'",
    }
    return [
        Copy("integrations", f"id = {paid.integration['id']}", unconnected),
        Copy("billed_customers", f"id = {customer}", customers),
        *paid.copies({"number": f"'SO-' || source.id + {NUMBER}"}, **invoices),
        Copy("webhook_events", f"event_type IN ({types})", events, paid.ids),
    ]
