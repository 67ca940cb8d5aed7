"""Sending, showing and voiding invoices."""

from __future__ import annotations

from dataclasses import dataclass

from stripe_bridge.use_cases.invoices.queries import (
    ListInvoices,
    ListOrderInvoices,
    ListTenantInvoices,
    ShowActivity,
    ShowInvoice,
)
from stripe_bridge.use_cases.invoices.send import SendInvoice
from stripe_bridge.use_cases.invoices.void import VoidInvoice


@dataclass(frozen=True, kw_only=True)
class Invoices:
    send: SendInvoice
    void: VoidInvoice
    show: ShowInvoice
    list: ListInvoices
    list_for_order: ListOrderInvoices
    list_for_tenant: ListTenantInvoices
    show_activity: ShowActivity
