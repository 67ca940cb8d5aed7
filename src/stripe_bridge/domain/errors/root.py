"""The root of the tree, what is not there, and who may not come in."""

from __future__ import annotations


class BridgeError(Exception):
    """The root of the tree."""

    message = "Something went wrong."
    field: str | None = None

    def __str__(self) -> str:
        return self.message


class NotFound(BridgeError):
    """No such thing in this tenant: another tenant's is no different from one that never was."""


class IntegrationNotFound(NotFound):
    message = "Stripe integration not found."


class SalesOrderNotFound(NotFound):
    message = "Sales order not found."


class InvoiceNotFound(NotFound):
    message = "Invoice not found."


class WebhookEventNotFound(NotFound):
    message = "Webhook event not found."


class ReceiverNotFound(NotFound):
    message = "Webhook receiver not found."


class TenantNotFound(NotFound):
    message = "Tenant not found: it has neither a token nor an integration."


class TokenNotFound(NotFound):
    message = "Token not found."


class Unauthenticated(BridgeError):
    """No token, an unknown one, or a revoked one: deliberately not told apart."""

    message = "Unauthenticated."


class Forbidden(BridgeError):
    """The token is good, its role is too weak."""

    message = "This action is unauthorized."
