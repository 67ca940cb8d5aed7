from __future__ import annotations

from typing import Any

from stripe_bridge.adapters.web.endpoints import ApiRequest, operation
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
from stripe_bridge.adapters.web.schemas.integrations import (
    AuthorizationAnswer,
    Confirmation,
    IntegrationAnswer,
    IntegrationPage,
    IntegrationWritten,
    NewAuthorization,
    NewIntegration,
)
from stripe_bridge.adapters.web.schemas.paging import PageQuery
from stripe_bridge.adapters.web.views.paging import page_request, paginated
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.errors.base import IntegrationNotFound
from stripe_bridge.domain.errors.conflicts import AlreadyConnected, AuthorizationFailed
from stripe_bridge.domain.errors.rules import ConfirmationInvalid
from stripe_bridge.ports.storage.unit_of_work import IntentUnsettled
from stripe_bridge.use_cases.integrations.manage import IntegrationView


@operation(
    "POST",
    "/api/stripe/integrations",
    permission=Permission.MANAGE_INTEGRATIONS,
    body=NewIntegration,
    answers={201: IntegrationWritten},
)
def create_integration(request: ApiRequest) -> Any:
    """Create Stripe Integration

    It is `pending` until a merchant connects a Stripe account to it.
    """
    view = request.bridge.integrations.create(request.principal.tenant_id, request.body["name"])
    return {"data": view, "message": "Stripe integration created."}


@operation(
    "GET",
    "/api/stripe/integrations",
    permission=Permission.READ,
    query=PageQuery,
    answers={200: IntegrationPage},
)
def list_integrations(request: ApiRequest) -> Any:
    """List Stripe Integrations

    Newest first.
    """
    return paginated(
        request.bridge.integrations.list(request.principal.tenant_id, page_request(request.query))
    )


@operation(
    "GET",
    "/api/stripe/integrations/<id:integration_id>",
    permission=Permission.READ,
    answers={200: IntegrationAnswer},
    problems=(IntegrationNotFound,),
)
def show_integration(request: ApiRequest, integration_id: int) -> Any:
    """Show Integration Instance

    With the last snapshot of its account.
    """
    return {"data": request.bridge.integrations.show(request.principal.tenant_id, integration_id)}


@operation(
    "POST",
    "/api/stripe/integrations/<id:integration_id>/authorize",
    permission=Permission.MANAGE_INTEGRATIONS,
    body=NewAuthorization,
    answers={200: AuthorizationAnswer},
    problems=(IntegrationNotFound, AlreadyConnected),
    response_is_secret=True,
)
def authorize_integration(request: ApiRequest, integration_id: int) -> Any:
    """Start Authorization (OAuth)

    Whoever opens the URL chooses which Stripe account is connected. With `confirm`, none is connected until the ERP has
    confirmed, from the session of the user who came back, that it is this tenant's merchant.
    """
    url = request.bridge.integrations.authorize(
        request.principal.tenant_id, integration_id, needs_confirmation=request.body["confirm"]
    )
    return {"data": {"authorize_url": url}}


@operation(
    "POST",
    "/api/stripe/integrations/<id:integration_id>/confirm",
    permission=Permission.MANAGE_INTEGRATIONS,
    body=Confirmation,
    answers={200: IntegrationWritten},
    problems=(IntegrationNotFound, ConfirmationInvalid, AuthorizationFailed, IntentUnsettled),
)
def confirm_authorization(request: ApiRequest, integration_id: int) -> Any:
    """Confirm Authorization

    Connects the account of the merchant who came back from Stripe, after an authorization that was started with `confirm`.
    Send it from the session of the user in front of the ERP. After a 409 (the `reason` is one of the callback's) or a 422,
    start the authorization again.
    """
    view = request.bridge.integrations.confirm_authorization(
        request.principal.tenant_id, integration_id, request.body["confirmation"]
    )
    return {"data": view, "message": "Stripe integration connected."}


@operation(
    "POST",
    "/api/stripe/integrations/<id:integration_id>/disconnect",
    permission=Permission.MANAGE_INTEGRATIONS,
    body=EmptySchema,
    answers={200: IntegrationWritten},
    problems=(IntegrationNotFound, IntentUnsettled),
)
def disconnect_integration(request: ApiRequest, integration_id: int) -> Any:
    """Disconnect Integration

    Repeating it, or disconnecting an integration that was never connected, changes nothing and returns the same. If Stripe
    is unreachable, access is revoked later.
    """
    integration = request.bridge.integrations.disconnect(request.principal.tenant_id, integration_id)
    view = IntegrationView(integration=integration, webhook_registered=False)
    return {"data": view, "message": "Stripe integration disconnected."}


INTEGRATIONS = (
    create_integration,
    list_integrations,
    show_integration,
    authorize_integration,
    confirm_authorization,
    disconnect_integration,
)
