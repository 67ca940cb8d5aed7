"""What a page of the console is: a function of a Visit and of the ids in its path, with the permission that it takes.

@page("GET", "/tokens", permission=Permission.MANAGE_TOKENS, scope=Scope.ALL_TENANTS)
def list_tokens(visit: Visit) -> ResponseReturnValue:
    return render("tokens/list.html", tokens=visit.bridge.access.list_tokens())

TOKENS = Section("Tokens", (list_tokens, ...))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask import g, request
from marshmallow import EXCLUDE, Schema, ValidationError
from werkzeug.datastructures import MultiDict

from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.access import Permission, Principal
from stripe_bridge.domain.console_session import ConsoleSession
from stripe_bridge.domain.intent import Intent
from stripe_bridge.domain.webhook_event import WebhookEvent

View = Callable[..., Any]


class Scope(StrEnum):
    """Whose data a page is about. An operator chooses a tenant by `?tenant=`; a tenant's people have theirs."""

    ONE_TENANT = "one_tenant"
    """An operator who has not chosen one is asked to."""
    ALL_TENANTS = "all_tenants"
    """An operator who has not chosen one sees all of them: `visit.tenant_id` is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`path` is below `/console`. `limit` is the route's own rate limit, for each session, and `counts_as` the route that it
    shares it with."""

    view: View
    method: str
    path: str
    permission: Permission
    scope: Scope
    limit: str | None = None
    counts_as: str | None = None

    @property
    def id(self) -> str:
        return self.view.__name__


def page(
    method: str,
    path: str,
    *,
    permission: Permission,
    scope: Scope = Scope.ONE_TENANT,
    **rest: Any,
) -> Callable[[View], Route]:
    """Make a Route of a view."""

    def make(view: View) -> Route:
        return Route(view=view, method=method, path=path, permission=permission, scope=scope, **rest)

    return make


@dataclass(frozen=True, slots=True)
class Section:
    """Pages that belong together. The first one is where the navigation leads, for whoever may see it."""

    name: str
    routes: tuple[Route, ...]

    @property
    def start(self) -> Route:
        return self.routes[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in.

    `tenant_id` is whose data it is about: None if an operator's is about all. `route` is what was asked for.
    """

    bridge: Bridge
    session: ConsoleSession
    route: Route
    tenant_id: str | None

    @property
    def tenant(self) -> str:
        """Of a page about one tenant, where there always is one."""
        assert self.tenant_id is not None, "This page is about all tenants."
        return self.tenant_id

    @property
    def principal(self) -> Principal:
        """Who acts, for the page's tenant."""
        return self.session.principal_for(self.tenant)

    def may(self, permission: Permission) -> bool:
        return permission in self.session.permissions

    def error_of(self, failed: WebhookEvent | Intent) -> str | None:
        """What went wrong, as far as the visitor may know it."""
        return failed.last_error if self.session.is_operator else failed.public_error

    def name_of(self, form_key: str) -> str:
        """What use cases call `name`: the same for every repetition of one form, so that a double click acts once."""
        return f"console:{self.session.id}:{form_key}"

    def query(self, schema: type[Schema]) -> Mapping[str, Any]:
        """The query string, read by a schema. What is left blank in a form of filters is not there."""
        return _load(schema, request.args)

    def form(self, schema: type[Schema]) -> Mapping[str, Any]:
        """The form that was posted. Raises RequestInvalid."""
        return _load(schema, request.form)


def current_visit() -> Visit:
    visit: Visit = g.visit
    return visit


def _load(schema: type[Schema], given: MultiDict[str, str]) -> Mapping[str, Any]:
    filled = {name: value.strip() for name, value in given.items() if value.strip()}
    try:
        read: Mapping[str, Any] = schema().load(filled, unknown=EXCLUDE)
    except ValidationError as error:
        raise RequestInvalid(error.messages_dict) from None
    return read
