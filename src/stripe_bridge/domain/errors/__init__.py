"""Everything this service refuses or fails at, as one tree.

    BridgeError
    ├── NotFound
    │   ├── IntegrationNotFound · SalesOrderNotFound · InvoiceNotFound
    │   └── WebhookEventNotFound · ReceiverNotFound · TenantNotFound · TokenNotFound
    ├── Unauthenticated
    ├── Forbidden
    ├── Invalid                     a value that can never be right; names its field
    │   ├── CurrencyUnknown · AmountNotChargeable · LinesDoNotAddUp
    │   └── CursorBroken · IdempotencyKeyReused
    ├── Refused                     a rule says no to this request in this state
    │   ├── IntegrationNotConnected · IntegrationRestricted
    │   ├── NothingOutstanding · AmountOverOutstanding · AmountBelowMinimum · EmailMissing
    │   ├── CurrencyLocked · InvoiceNotVoidable · InvoiceRevised · PayloadForgotten
    │   └── NothingCollected · AmountOverRefundable · RefundBlockedByDispute
    ├── Conflict                    something else is in the way right now
    │   ├── AlreadyConnected · OrderOutdated
    │   ├── RequestStillRunning
    │   └── InvoiceBeingSent · EventBeingProcessed · StaleWrite
    ├── WebhookRejected             the sender gets a 4xx, nothing is stored
    │   └── SignatureInvalid · PayloadMalformed · PayloadTooLarge
    └── InvoiceNotSent · InvoiceNotVoided · RefundNotIssued    what became of it is known (`final`) or not yet

`message` is the sentence a caller reads, the other attributes are its data. There are no status codes
here: `adapters/web/problems.py` has the table. The ports extend this tree.
"""

from stripe_bridge.domain.errors.base import (
    BridgeError,
    Forbidden,
    IntegrationNotFound,
    InvoiceNotFound,
    NotFound,
    ReceiverNotFound,
    SalesOrderNotFound,
    TenantNotFound,
    TokenNotFound,
    Unauthenticated,
    WebhookEventNotFound,
)
from stripe_bridge.domain.errors.conflicts import (
    AlreadyConnected,
    Conflict,
    EventBeingProcessed,
    InvoiceBeingSent,
    OrderOutdated,
    RequestStillRunning,
    StaleWrite,
)
from stripe_bridge.domain.errors.outcomes import (
    InvoiceNotSent,
    InvoiceNotVoided,
    PayloadMalformed,
    PayloadTooLarge,
    RefundNotIssued,
    SignatureInvalid,
    WebhookRejected,
)
from stripe_bridge.domain.errors.rules import (
    AmountBelowMinimum,
    AmountOverOutstanding,
    AmountOverRefundable,
    CurrencyLocked,
    EmailMissing,
    IntegrationNotConnected,
    IntegrationRestricted,
    InvoiceNotVoidable,
    InvoiceRevised,
    NothingCollected,
    NothingOutstanding,
    PayloadForgotten,
    RefundBlockedByDispute,
    Refused,
)
from stripe_bridge.domain.errors.values import (
    AmountNotChargeable,
    CurrencyUnknown,
    CursorBroken,
    IdempotencyKeyReused,
    Invalid,
    LinesDoNotAddUp,
)

__all__ = [
    "AlreadyConnected",
    "AmountBelowMinimum",
    "AmountNotChargeable",
    "AmountOverOutstanding",
    "AmountOverRefundable",
    "BridgeError",
    "Conflict",
    "CurrencyLocked",
    "CurrencyUnknown",
    "CursorBroken",
    "EmailMissing",
    "EventBeingProcessed",
    "Forbidden",
    "IdempotencyKeyReused",
    "IntegrationNotConnected",
    "IntegrationNotFound",
    "IntegrationRestricted",
    "Invalid",
    "InvoiceBeingSent",
    "InvoiceNotFound",
    "InvoiceNotSent",
    "InvoiceNotVoidable",
    "InvoiceNotVoided",
    "InvoiceRevised",
    "LinesDoNotAddUp",
    "NotFound",
    "NothingCollected",
    "NothingOutstanding",
    "OrderOutdated",
    "PayloadForgotten",
    "PayloadMalformed",
    "PayloadTooLarge",
    "ReceiverNotFound",
    "RefundBlockedByDispute",
    "RefundNotIssued",
    "Refused",
    "RequestStillRunning",
    "SalesOrderNotFound",
    "SignatureInvalid",
    "StaleWrite",
    "TenantNotFound",
    "TokenNotFound",
    "Unauthenticated",
    "WebhookEventNotFound",
    "WebhookRejected",
]
