"""What an operation of the REST contract is, and how it becomes a route with its documentation.

A view is a function of an ApiRequest and of the ids in its path; its docstring is the documented summary.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from flask import Flask, current_app, g, jsonify, make_response
from flask.typing import ResponseReturnValue
from flask_smorest import Blueprint
from marshmallow import Schema
from werkzeug.exceptions import BadRequest, InternalServerError, ServiceUnavailable, UnsupportedMediaType
from werkzeug.exceptions import NotFound as NothingThere

from stripe_bridge.adapters.web.parsing import StrictParser
from stripe_bridge.adapters.web.problem_types import Kind, by_status, response_of
from stripe_bridge.adapters.web.problems import RequestInvalid, TooManyAttempts
from stripe_bridge.adapters.web.schemas.fields import EmptySchema
from stripe_bridge.adapters.web.schemas.paging import PageQuery
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.access import Permission, Principal, Role
from stripe_bridge.domain.errors.base import Forbidden, OriginForeign, Unauthenticated
from stripe_bridge.domain.errors.conflicts import RequestStillRunning, StaleWrite
from stripe_bridge.domain.errors.outcomes import PayloadTooLarge
from stripe_bridge.domain.errors.values import IdempotencyKeyReused, Invalid, InvalidCursor
from stripe_bridge.domain.idempotency import MAX_KEY_LENGTH
from stripe_bridge.ports.identity_provider import IdentityProviderUnavailable
from stripe_bridge.ports.storage.unit_of_work import StoreUnavailable

View = Callable[..., Any]
_BRIDGE = "stripe_bridge.bridge"


class Credential(StrEnum):
    """What an operation with a permission is called with. The values are the names of OpenAPI's security schemes."""

    BEARER = "bearer"
    PANEL_SESSION = "panelSession"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request to an operation, parsed and validated. A public operation has no principal and never reads it.

    `name` is the same for every repetition of a request; None if it has no Idempotency-Key.
    """

    bridge: Bridge
    principal: Principal
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    name: str | None

    def with_fields(self, **more: Any) -> ApiRequest:
        """The same request, with more in its body."""
        return replace(self, body={**self.body, **more})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`permission` None: it needs no credential, or one other than a bearer token.

    `answers` has the schema of each success status, the usual one first; None if it is not JSON. `problems` are the errors
    that it can end with and that do not follow from the rest. `limit` is the operation's own rate limit, per token, on top of
    the overall one, and `counts_as` the operation that it shares it with. `says_sequence`: its answers may have the number of
    the last change. `response_is_secret`: its response would let any reader do what only its caller should be able to do.
    """

    view: View
    method: str
    path: str
    permission: Permission | None
    answers: Mapping[int, type[Schema] | None]
    problems: tuple[Kind, ...] = ()
    body: type[Schema] | None = None
    query: type[Schema] | None = EmptySchema
    limit: str | None = None
    counts_as: str | None = None
    credential: Credential = Credential.BEARER
    says_sequence: bool = False
    response_is_secret: bool = False
    documented: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.view.__name__

    @property
    def all_problems(self) -> frozenset[Kind]:
        """Everything that it can end with, but for its own successes."""
        return frozenset(self.problems) | _problems_that_follow(self)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Those that may use it, the weakest first; none if it takes no token."""
        return tuple(role for role in Role if self.permission in role.permissions)

    @property
    def takes_idempotency_key(self) -> bool:
        return self.method == "POST" and self.permission is not None


def operation(
    method: str,
    path: str,
    *,
    permission: Permission | None,
    answers: Mapping[int, type[Schema] | None],
    **rest: Any,
) -> Callable[[View], Operation]:
    """Make an Operation of a view."""

    def make(view: View) -> Operation:
        return Operation(view=view, method=method, path=path, permission=permission, answers=answers, **rest)

    return make


@dataclass(frozen=True, slots=True)
class Section:
    """Operations that belong together in the documentation."""

    name: str
    description: str
    operations: tuple[Operation, ...]


def attach_bridge(app: Flask, bridge: Bridge) -> None:
    """Say which bridge the app's operations work with."""
    app.extensions[_BRIDGE] = bridge


def blueprint_of(section: Section) -> Blueprint:
    """The section's routes, for any number of apps."""
    blueprint = Blueprint(section.name, __name__, description=section.description)
    blueprint.ARGUMENTS_PARSER = StrictParser()
    for each in section.operations:
        view = _documented(blueprint, each, _answering(blueprint, each))
        if each.query is not None:
            view = blueprint.arguments(each.query(), location="query", arg_name="query")(view)
        if each.body is not None:
            schema = each.body()
            # If no field is required, no body is the same as an empty object.
            is_required = any(part.required for part in schema.fields.values())
            view = blueprint.arguments(schema, arg_name="body", required=is_required)(view)
        blueprint.add_url_rule(each.path, endpoint=each.id, view_func=view, methods=[each.method])
    return blueprint


def _answering(blueprint: Blueprint, each: Operation) -> View:
    """The view as Flask calls it, rendering what it returns."""

    def answer(
        *, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None, **ids: int
    ) -> ResponseReturnValue:
        asked = ApiRequest(
            bridge=current_app.extensions[_BRIDGE],
            principal=g.get("principal"),
            body=body or {},
            query=query or {},
            name=g.get("request_name"),
        )
        return _in_its_schema(each, each.view(asked, **ids))

    answer.__doc__ = _docstring(each)
    (usual, schema), *others = each.answers.items()
    headers = _SEQUENCE if each.says_sequence else None
    view: View = blueprint.response(usual, schema, headers=headers)(answer)
    for status, other in others:
        view = blueprint.alt_response(status, schema=other, success=True, headers=headers)(view)
    return view


def _in_its_schema(each: Operation, result: Any) -> ResponseReturnValue:
    """What has another status than the usual one may have another schema, too, with which it is rendered here."""
    usual = next(iter(each.answers.values()))
    if not isinstance(result, tuple) or each.answers.get(result[1], usual) in (None, usual):
        found: ResponseReturnValue = result
        return found
    body, *rest = result
    schema = each.answers[result[1]]
    assert schema is not None
    return make_response(jsonify(schema().dump(body)), *rest)


def _documented(blueprint: Blueprint, each: Operation, view: View) -> View:
    details = dict(each.documented)
    failures = {
        str(int(status)): response_of(status, kinds) for status, kinds in by_status(each.all_problems).items()
    }
    details["responses"] = {**failures, **details.get("responses", {})}
    if each.takes_idempotency_key:
        details["parameters"] = [_IDEMPOTENCY_KEY]
    details["security"] = [] if each.permission is None else [{each.credential.value: []}]
    if each.permission is not None:
        details["x-permission"] = each.permission.value
        details["x-roles"] = [role.value for role in each.roles]
    documented: View = blueprint.doc(operationId=each.id, **details)(view)
    return documented


def _docstring(each: Operation) -> str:
    """The view's, with who may use the operation."""
    text = inspect.cleandoc(each.view.__doc__ or "")
    if not each.roles:
        return text
    *weaker, strongest = (f"`{role.value}`" for role in each.roles)
    who = f"**Role:** {', '.join(weaker)}{' or ' if weaker else ''}{strongest}."
    summary, _, description = text.partition("\n")
    if each.credential is Credential.PANEL_SESSION:
        who = f"**Panel session** that a {who.removeprefix('**Role:** ').removesuffix('.')} created."
    return f"{summary}\n\n{description.strip()}\n\n{who}"


def _problems_that_follow(each: Operation) -> set[Kind]:
    """From how it is reached, and from what it takes."""
    found: set[Kind] = {InternalServerError}
    if each.permission is not None:
        found |= {Unauthenticated, Forbidden, RequestInvalid, TooManyAttempts}
        found |= {StoreUnavailable, IdentityProviderUnavailable, ServiceUnavailable}
    if each.credential is Credential.PANEL_SESSION:
        found.add(OriginForeign)
        found.remove(IdentityProviderUnavailable)
    if each.permission is not None and each.method != "GET":
        found.add(StaleWrite)
    if each.takes_idempotency_key:
        found |= {RequestStillRunning, IdempotencyKeyReused, PayloadTooLarge}
    if each.body is not None:
        found |= {BadRequest, PayloadTooLarge, UnsupportedMediaType}
    if "<id:" in each.path:
        found.add(NothingThere)
    if each.query is not None and issubclass(each.query, PageQuery):
        found |= {Invalid, InvalidCursor}
    return found


_SEQUENCE = {
    "X-Sequence": {
        "description": "The number of the order's latest change in the feed. Not sent with a replayed response.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    }
}
_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Repeating the request with the same key and body within 24 hours returns the first response again.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{MAX_KEY_LENGTH}}}$"},
}
