"""What an operation of the REST contract is, and how it becomes a route with its documentation.

A view is a function of a Call and of the ids in its path; its docstring is the documented summary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Flask, current_app, g
from flask.typing import ResponseReturnValue
from flask_smorest import Blueprint
from marshmallow import Schema

from stripe_bridge.adapters.web.parsing import StrictParser
from stripe_bridge.adapters.web.schemas.fields import Nothing
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.access import Permission, Principal
from stripe_bridge.domain.idempotency import MAX_KEY_LENGTH

View = Callable[..., Any]
_BRIDGE = "stripe_bridge.bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to an operation, parsed and validated. A public operation has no principal and never reads it.

    `name` is the same for every repetition of a request; None if it has no Idempotency-Key.
    """

    bridge: Bridge
    principal: Principal
    body: Mapping[str, Any]
    query: Mapping[str, Any]
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`permission` None: it needs no credential, or one other than a bearer token.

    `answers` has the schema of each success status, the usual one first; None if it is not JSON. `problems` are the failure
    statuses that do not follow from the rest. `limit` is the operation's own rate limit, per token, on top of the overall
    one. `says_sequence`: its answers may have the number of the last change. `response_is_secret`: its response would let any
    reader do what only its caller should be able to do.
    """

    view: View
    method: str
    path: str
    permission: Permission | None
    answers: Mapping[int, type[Schema] | None]
    problems: tuple[int, ...] = ()
    body: type[Schema] | None = None
    query: type[Schema] | None = Nothing
    limit: str | None = None
    says_sequence: bool = False
    response_is_secret: bool = False
    documented: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.view.__name__

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
class Group:
    """Operations that belong together in the documentation."""

    name: str
    description: str
    operations: tuple[Operation, ...]


def attach_bridge(app: Flask, bridge: Bridge) -> None:
    """Say which bridge the app's operations work with."""
    app.extensions[_BRIDGE] = bridge


def blueprint_of(group: Group) -> Blueprint:
    """The group's routes, for any number of apps."""
    blueprint = Blueprint(group.name, __name__, description=group.description)
    blueprint.ARGUMENTS_PARSER = StrictParser()
    for each in group.operations:
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
        call = Call(
            bridge=current_app.extensions[_BRIDGE],
            principal=g.get("principal"),
            body=body or {},
            query=query or {},
            name=g.get("request_name"),
        )
        result: ResponseReturnValue = each.view(call, **ids)
        return result

    answer.__doc__ = each.view.__doc__
    (usual, schema), *others = each.answers.items()
    headers = _SEQUENCE if each.says_sequence else None
    view: View = blueprint.response(usual, schema, headers=headers)(answer)
    for status, other in others:
        view = blueprint.alt_response(status, schema=other, success=True, headers=headers)(view)
    return view


def _documented(blueprint: Blueprint, each: Operation, view: View) -> View:
    problems = {*each.problems, HTTPStatus.INTERNAL_SERVER_ERROR}
    if "<id:" in each.path:
        problems.add(HTTPStatus.NOT_FOUND)
    if each.permission is not None:
        problems |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}
        problems |= {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.UNPROCESSABLE_ENTITY}
    if each.takes_idempotency_key:
        problems |= {HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    if each.body is not None:
        problems |= {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
        problems |= {HTTPStatus.UNSUPPORTED_MEDIA_TYPE}
    for status in sorted(problems):
        view = blueprint.alt_response(status, HTTPStatus(status).name)(view)
    security: list[dict[str, list[str]]] = [] if each.permission is None else [{"bearer": []}]
    details = dict(each.documented)
    if each.takes_idempotency_key:
        details["parameters"] = [_IDEMPOTENCY_KEY]
    documented: View = blueprint.doc(operationId=each.id, security=security, **details)(view)
    return documented


_SEQUENCE = {
    "X-Sequence": {
        "description": "The number of the order's last change, which the feed has under it. Not on a replayed answer.",
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
