"""What Stripe calls. In production the front handles most of it before it gets here."""

from __future__ import annotations

import flask
from werkzeug.exceptions import ServiceUnavailable

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.parsing import read_body
from stripe_bridge.adapters.web.schemas.service import ReceivedSchema
from stripe_bridge.domain.errors.base import ReceiverNotFound
from stripe_bridge.domain.errors.outcomes import PayloadMalformed, PayloadTooLarge, SignatureInvalid
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable
from stripe_bridge.use_cases.webhook_events.receive import ReceiveWebhookCommand

PLATFORM_ROUTE = "/api/webhooks/stripe"
ACCOUNT_ROUTE = "/api/webhooks/stripe/<id:integration_id>"

Received = dict[str, bool]
_SIGNED_EVENT = {
    "parameters": [
        {
            "in": "header",
            "name": "Stripe-Signature",
            "required": True,
            "description": "Stripe's own scheme, over the raw body.",
            "schema": {"type": "string", "examples": ["t=1795435200,v1=5257a869e7ecebeda32affa62cdca3fa"]},
        }
    ],
    "requestBody": {
        "required": True,
        "description": "An event, exactly as Stripe sends it; at most 1 MiB.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
}


_REFUSED = (SignatureInvalid, PayloadMalformed, PayloadTooLarge, StoreUnavailable, ServiceUnavailable)


@operation(
    "POST",
    PLATFORM_ROUTE,
    permission=None,
    query=None,
    answers={200: ReceivedSchema},
    problems=_REFUSED,
    documented=_SIGNED_EVENT,
)
def receive_platform_webhook(request: ApiRequest) -> Received:
    """Platform Webhook

    For the platform's receivers, including the one for connected accounts.
    """
    return _receive(request, None)


@operation(
    "POST",
    ACCOUNT_ROUTE,
    permission=None,
    query=None,
    answers={200: ReceivedSchema},
    problems=(*_REFUSED, ReceiverNotFound),
    documented=_SIGNED_EVENT,
)
def receive_account_webhook(request: ApiRequest, integration_id: int) -> Received:
    """Connect Account Webhook

    Signed with the secret of that integration's own receiver.
    """
    return _receive(request, integration_id)


def _receive(request: ApiRequest, integration_id: int | None) -> Received:
    request.bridge.webhook_events.receive(
        ReceiveWebhookCommand(
            payload=read_body(flask.request),
            signature=flask.request.headers.get("Stripe-Signature"),
            integration_id=integration_id,
        )
    )
    return {"received": True}


WEBHOOKS = (receive_platform_webhook, receive_account_webhook)
