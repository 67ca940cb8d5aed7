"""The panel on the ERP's sales-order page: one order, as one read."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.ports.adapters import Adapters
from stripe_bridge.use_cases.invoices.links import RenewLinks
from stripe_bridge.use_cases.panel.show import RequireInvoiceOfOrder, ShowPanel
from stripe_bridge.use_cases.records.invoices import RecordInvoice


@dataclass(frozen=True, kw_only=True)
class Panel:
    show: ShowPanel
    require_invoice: RequireInvoiceOfOrder


def build_panel(adapters: Adapters) -> Panel:
    store, clock = adapters.store, adapters.clock
    renew_links = RenewLinks(store, clock, adapters.invoice_gateway, RecordInvoice(clock))
    return Panel(show=ShowPanel(store, renew_links), require_invoice=RequireInvoiceOfOrder(store))
