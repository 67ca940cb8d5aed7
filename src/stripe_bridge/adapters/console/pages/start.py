"""Where the console begins, and whose data it shows."""

from __future__ import annotations

from typing import Any

from werkzeug.exceptions import NotFound

from stripe_bridge.adapters.console.links import link
from stripe_bridge.adapters.console.rendering import go_to, render, sections_for
from stripe_bridge.adapters.console.routes import Scope, Visit, page
from stripe_bridge.domain.access import Permission


@page("GET", "", permission=Permission.READ, scope=Scope.ALL_TENANTS)
def show_start(visit: Visit) -> Any:
    """To the first page that the visitor may see."""
    sections = sections_for(visit)
    if not sections:
        raise NotFound
    return go_to(link(sections[0].start.path))


@page("GET", "/tenants", permission=Permission.OPERATE, scope=Scope.ALL_TENANTS)
def choose_tenant(visit: Visit) -> Any:
    return render(
        "choose_tenant.html",
        tenants=visit.bridge.access.list_tenants(),
        address=lambda tenant: link("", tenant=tenant),
    )


UNLISTED = (show_start, choose_tenant)
