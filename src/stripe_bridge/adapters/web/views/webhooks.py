"""What Stripe calls, as documented. Whatever comes in is taken by the door before; here its refusals are told."""

from __future__ import annotations

from typing import NoReturn

from flask import request

from stripe_bridge.adapters.web.door import ACCOUNT_ROUTE, PLATFORM_ROUTE, refusal_of
from stripe_bridge.adapters.web.operations import Call, operation
from stripe_bridge.adapters.web.schemas.service import ReceivedShape

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


@operation(
    "POST",
    PLATFORM_ROUTE,
    permission=None,
    query=None,
    answers={200: ReceivedShape},
    problems=(400, 413, 503),
    documented=_SIGNED_EVENT,
)
def receive_platform_webhook(_call: Call) -> NoReturn:
    """Platform Webhook

    For the platform's own receivers, also those for connected accounts.
    """
    raise refusal_of(request.environ)


@operation(
    "POST",
    ACCOUNT_ROUTE,
    permission=None,
    query=None,
    answers={200: ReceivedShape},
    problems=(400, 413, 503),
    documented=_SIGNED_EVENT,
)
def receive_account_webhook(_call: Call, **_ids: int) -> NoReturn:
    """Connect Account Webhook

    Signed with the secret of that integration's own receiver.
    """
    raise refusal_of(request.environ)


WEBHOOKS = (receive_platform_webhook, receive_account_webhook)
