"""Everything this service refuses or fails at, as one tree.

    BridgeError
    ├── NotFound
    │   ├── IntegrationNotFound · SalesOrderNotFound · InvoiceNotFound · RefundNotFound
    │   ├── WebhookEventNotFound · ReceiverNotFound · TenantNotFound · TokenNotFound
    │   ├── SubscriberNotFound · ReplayNotFound
    │   └── ChangeNotFound · RequestNotFound · ConsoleSessionNotFound
    ├── Unauthenticated
    ├── Forbidden · FormForeign · OriginForeign
    ├── Invalid                     a value that can never be right; names its field
    │   ├── CurrencyUnknown · AmountNotChargeable · LinesDoNotAddUp · UpdatedInFuture
    │   ├── InvalidCursor · IdempotencyKeyReused · OriginInvalid · UserNotTokens
    │   └── UrlNotAllowed · ChangeTypeUnknown · CursorBeyondLatest · CursorPurged
    ├── Refused                     a rule says no to this request in this state
    │   ├── ConfirmationInvalid · IntegrationNotConnected · IntegrationRestricted
    │   ├── NothingOutstanding · AmountOverOutstanding · AmountBelowMinimum · EmailMissing
    │   ├── CurrencyLocked · InvoiceNotVoidable · InvoiceRevised · PayloadPurged
    │   ├── NothingCollected · AmountOverRefundable · RefundBlockedByDispute
    │   └── TooManySubscribers · InvoiceNotPayable · StandingLinkNotAllowed
    ├── Conflict                    the present state does not allow it
    │   ├── AlreadyConnected · AuthorizationFailed · OrderOutdated · OrderNotLocked
    │   ├── RequestStillRunning · RefundNotDuplicate · NotHeldByReader
    │   ├── ReplayPlanOutdated · ReplayEnded
    │   └── InvoiceBeingSent · EventBeingProcessed · StaleWrite · OrderBilledTwice · InvoiceSentRecently
    ├── FeedRefused                 a reader of the change log starts over
    │   └── HistoryChanged · CursorAhead · FeedExpired
    ├── WebhookRejected             the sender gets a 4xx, nothing is stored
    │   └── SignatureInvalid · PayloadMalformed · PayloadTooLarge
    ├── Recovering                  after a restore, until what is at Stripe is known again
    ├── RefundNotIssued · EmailRefused      Stripe refused
    └── InvoiceNotSent · InvoiceNotVoided    what became of it is known (`final`) or not yet
        ├── InvoiceRefused · VoidRefused     Stripe refused
        └── CustomerHasBalance               its balance at Stripe changes what is due

`message` is the sentence a caller reads, the other attributes are its data. There are no status codes
here: `adapters/web/problems.py` has the table. The ports extend this tree.
"""
