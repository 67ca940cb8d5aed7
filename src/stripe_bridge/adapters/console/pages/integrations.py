"""Integrations: connecting Stripe accounts, what is known of them, what is in flight there, disconnecting them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length

from stripe_bridge.adapters.console.pages.invoices import https, shown_status
from stripe_bridge.adapters.console.rendering import done, render
from stripe_bridge.adapters.console.routes import Section, Visit, page
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.adapters.web.schemas.fields import RequestSchema, Text
from stripe_bridge.domain.access import Permission
from stripe_bridge.domain.paging import PageRequest

_ONE = "/integrations/<id:integration_id>"
_PER_PAGE = 25
# Of each kind of what is in flight. The command lists all of it.
_MOST_IN_FLIGHT = 25


class _Listed(RequestSchema):
    cursor = fields.String(load_default=None)


class _NewIntegration(RequestSchema):
    name = Text(required=True, validate=Length(max=255))


@page("GET", "/integrations", permission=Permission.READ)
def list_integrations(visit: Visit) -> Any:
    cursor = visit.query(_Listed)["cursor"]
    request = PageRequest.below(None, _PER_PAGE)
    if cursor is not None:
        request = PageRequest.of(page=None, per_page=_PER_PAGE, cursor=cursor)
    found = visit.bridge.integrations.list(visit.tenant, request)
    return render(
        "integrations/list.html",
        found=found,
        is_first=cursor is None,
        may_manage=visit.may(Permission.MANAGE_INTEGRATIONS),
    )


@page("GET", "/integrations/new", permission=Permission.MANAGE_INTEGRATIONS)
def new_integration(_visit: Visit) -> Any:
    return render("integrations/new.html", faults={})


@page("POST", "/integrations", permission=Permission.MANAGE_INTEGRATIONS)
def create_integration(visit: Visit) -> Any:
    try:
        name = visit.form(_NewIntegration)["name"]
    except RequestInvalid as error:
        return render("integrations/new.html", 422, faults=error.errors)
    created = visit.bridge.integrations.create(visit.tenant, name).integration
    return done(
        f"{created.name} is created. Next, connect a Stripe account.",
        f"/integrations/{created.id}/connect",
    )


@page("GET", _ONE, permission=Permission.READ)
def show_integration(visit: Visit, integration_id: int) -> Any:
    view = visit.bridge.integrations.show(visit.tenant, integration_id)
    snapshot = view.integration.snapshot
    return render(
        "integrations/show.html",
        view=view,
        integration=view.integration,
        snapshot=snapshot,
        website=None if snapshot is None else https(snapshot.business_url),
        in_flight=_in_flight(visit, integration_id),
        status_of=shown_status,
        may_manage=visit.may(Permission.MANAGE_INTEGRATIONS),
    )


@page("GET", f"{_ONE}/connect", permission=Permission.MANAGE_INTEGRATIONS)
def confirm_connecting(visit: Visit, integration_id: int) -> Any:
    view = visit.bridge.integrations.show(visit.tenant, integration_id)
    return render("integrations/connect.html", integration=view.integration)


@page("POST", f"{_ONE}/connect", permission=Permission.MANAGE_INTEGRATIONS)
def start_connecting(visit: Visit, integration_id: int) -> Any:
    """Answers with the link to Stripe, which is a secret and works once: no other page could show it."""
    url = visit.bridge.integrations.authorize(visit.tenant, integration_id)
    view = visit.bridge.integrations.show(visit.tenant, integration_id)
    return render("integrations/connecting.html", integration=view.integration, authorize_url=url)


@page("GET", f"{_ONE}/disconnect", permission=Permission.MANAGE_INTEGRATIONS)
def confirm_disconnecting(visit: Visit, integration_id: int) -> Any:
    view = visit.bridge.integrations.show(visit.tenant, integration_id)
    return render(
        "integrations/disconnect.html",
        integration=view.integration,
        in_flight=_in_flight(visit, integration_id),
    )


@page("POST", f"{_ONE}/disconnect", permission=Permission.MANAGE_INTEGRATIONS)
def disconnect_integration(visit: Visit, integration_id: int) -> Any:
    integration = visit.bridge.integrations.disconnect(visit.tenant, integration_id)
    return done(f"{integration.name} is disconnected.", f"/integrations/{integration.id}")


INTEGRATIONS = Section(
    "Integrations",
    (
        list_integrations,
        new_integration,
        create_integration,
        show_integration,
        confirm_connecting,
        start_connecting,
        confirm_disconnecting,
        disconnect_integration,
    ),
)


def _in_flight(visit: Visit, integration_id: int) -> Any:
    return visit.bridge.integrations.list_in_flight(visit.tenant, integration_id, _MOST_IN_FLIGHT)
