"""The root of the tree, and the errors of what is not found and who is not let in."""

from __future__ import annotations


class BridgeError(Exception):
    """The root of the tree."""

    message = "Something went wrong."
    field: str | None = None

    def __str__(self) -> str:
        return self.message


class NotFound(BridgeError):
    """No such thing in this tenant. Another tenant's is indistinguishable from one that never existed."""


class IntegrationNotFound(NotFound):
    message = "Stripe integration not found."


class SalesOrderNotFound(NotFound):
    message = "Sales order not found."


class InvoiceNotFound(NotFound):
    message = "Invoice not found."


class RefundNotFound(NotFound):
    message = "Refund not found."


class WebhookEventNotFound(NotFound):
    message = "Webhook event not found."


class ReceiverNotFound(NotFound):
    message = "Webhook receiver not found."


class TenantNotFound(NotFound):
    message = "Tenant not found: it has neither a token nor an integration."


class TokenNotFound(NotFound):
    message = "Token not found."


class RequestNotFound(NotFound):
    message = "Nothing is recorded about a request with this id."


class ConsoleSessionNotFound(NotFound):
    message = "Console session not found."


class SubscriberNotFound(NotFound):
    message = "Subscriber not found."


class ReplayNotFound(NotFound):
    message = "Replay not found."


class ChangeNotFound(NotFound):
    message = "Change not found."


class Unauthenticated(BridgeError):
    """The token is missing, unknown or revoked; deliberately, callers do not learn which."""

    message = "Unauthenticated."


class OriginForeign(BridgeError):
    """The session is good, the page that uses it is another's."""

    message = "The session is for another origin."


class Forbidden(BridgeError):
    """The token is good, its role is too weak."""

    message = "This action is unauthorized."


class FormForeign(Forbidden):
    """A form that the browser did not get in this session: another site's, or one from before somebody signed in again."""

    message = "The form is not from this session. Nothing was done. Reload the page and try again."
