"""The tables, one class each. They only declare: statements stand in the repositories, and nothing loads lazily."""

from stripe_bridge.adapters.database.rows.accounts import (
    IntegrationRow,
    OAuthStateRow,
    ReceiverRow,
    TokenRow,
)
from stripe_bridge.adapters.database.rows.base import Row
from stripe_bridge.adapters.database.rows.counts import (
    EventCountChangeRow,
    EventCountRow,
    InvoiceCountChangeRow,
    InvoiceCountRow,
)
from stripe_bridge.adapters.database.rows.idempotency import IdempotentRequestRow
from stripe_bridge.adapters.database.rows.inbox import (
    IS_AWAITING,
    IS_FAILED,
    ForgottenPayloadsRow,
    PayloadLeftRow,
    WebhookEventRow,
)
from stripe_bridge.adapters.database.rows.intents import IS_UNSETTLED, IntentRow
from stripe_bridge.adapters.database.rows.invoicing import (
    IS_LISTED,
    IS_RESERVED,
    IS_UNFINISHED,
    BilledCustomerRow,
    InvoiceRow,
    SalesOrderRow,
)
from stripe_bridge.adapters.database.rows.payments import (
    IS_ONGOING,
    IS_UNDECIDED,
    DisputeRow,
    LinkRow,
    PaymentRow,
    RefundRow,
)
from stripe_bridge.adapters.database.rows.probes import ProbeRow

__all__ = [
    "IS_AWAITING",
    "IS_FAILED",
    "IS_LISTED",
    "IS_ONGOING",
    "IS_RESERVED",
    "IS_UNDECIDED",
    "IS_UNFINISHED",
    "IS_UNSETTLED",
    "BilledCustomerRow",
    "DisputeRow",
    "EventCountChangeRow",
    "EventCountRow",
    "ForgottenPayloadsRow",
    "IdempotentRequestRow",
    "IntegrationRow",
    "IntentRow",
    "InvoiceCountChangeRow",
    "InvoiceCountRow",
    "InvoiceRow",
    "LinkRow",
    "OAuthStateRow",
    "PayloadLeftRow",
    "PaymentRow",
    "ProbeRow",
    "ReceiverRow",
    "RefundRow",
    "Row",
    "SalesOrderRow",
    "TokenRow",
    "WebhookEventRow",
]
