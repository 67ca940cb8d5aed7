"""Which kinds of objects were there before the change log, and how each is read.

A job records them, kind by kind: what others refer to comes first, so that the log has it first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_bridge.adapters.database.mapping import Mapper
from stripe_bridge.adapters.database.tables.accounts import IntegrationRow
from stripe_bridge.adapters.database.tables.invoicing import InvoiceRow, SalesOrderRow
from stripe_bridge.adapters.database.tables.payments import DisputeRow, RefundRow
from stripe_bridge.domain.changes.change import SubjectType
from stripe_bridge.domain.dispute import Dispute
from stripe_bridge.domain.integration import Integration
from stripe_bridge.domain.invoice import Invoice
from stripe_bridge.domain.refund import Refund
from stripe_bridge.domain.sales_order import SalesOrder

EXISTING_KINDS: Mapping[SubjectType, Mapper[Any]] = {
    SubjectType.INTEGRATION: Mapper(Integration, IntegrationRow),
    SubjectType.SALES_ORDER: Mapper(SalesOrder, SalesOrderRow),
    SubjectType.INVOICE: Mapper(Invoice, InvoiceRow),
    SubjectType.REFUND: Mapper(Refund, RefundRow),
    SubjectType.DISPUTE: Mapper(Dispute, DisputeRow),
}
