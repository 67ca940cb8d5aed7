"""The OpenAPI document, and what flask-smorest needs for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from apispec import BasePlugin
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from marshmallow import Schema
from werkzeug.routing import BaseConverter

from stripe_bridge.adapters.web.endpoints import Credential
from stripe_bridge.adapters.web.problem_types import SHARED, describe_response, name_of
from stripe_bridge.adapters.web.schemas.fields import MAX_ID, EmptySchema, ResponseSchema, id_in_path
from stripe_bridge.adapters.web.schemas.service import Problem
from stripe_bridge.adapters.web.views import blueprints
from stripe_bridge.domain.access import Permission, Role


def _roles() -> str:
    """What each role may do that the one before it may not."""
    weaker: frozenset[Permission] = frozenset()
    lines = []
    for role in Role:
        also = [
            f"`{permission.value}`" for permission in Permission if permission in role.permissions - weaker
        ]
        lines.append(f"- `{role.value}`: {', '.join(also)}")
        weaker = role.permissions
    return "\n".join(lines)


_DESCRIPTION = """\
Turns an ERP's sales orders into invoices at Stripe, and keeps both in sync as they are paid.

Money is an integer in the currency's minor unit, as at Stripe. Times are UTC. Every response has an `X-Request-Id`,
which is the caller's if it sent one.

Every failure is `application/problem+json` (RFC 9457). Compare its `type` or `status`; the sentences may change. Releases
may add types: treat an unknown one according to its status.

Every token has a role, and each operation names the roles that may use it. Each role may do all that the one before it may:

"""
_INFO = {"description": f"{_DESCRIPTION}{_roles()}", "license": {"name": "MIT", "identifier": "MIT"}}
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token made by `stripe-bridge tokens create`, or a JWT of the ERP's identity provider if one is "
    "configured. Each operation states the permission that it needs in `x-permission`, and the roles that have it in "
    "`x-roles`.",
}
_PANEL_SESSION = {
    "type": "http",
    "scheme": "bearer",
    "description": "A panel session's token, from *Create Panel Session*, used by a page of the session's `origin`.",
}
# Names are published: a schema that is renamed keeps the one that generated clients have.
_PUBLISHED_NAMES: Mapping[type[Schema], str] = {EmptySchema: "Nothing"}


class IdConverter(BaseConverter):
    """An id in a path. One that is out of range becomes 0, which no row has: refusing it here would make it a wrong method."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        return id_in_path(value)


class ResponsesInOrder(BasePlugin):
    """Responses by their status, as people read them."""

    def operation_helper(
        self, path: str | None = None, operations: dict[str, Any] | None = None, **_: Any
    ) -> None:
        for operation in (operations or {}).values():
            responses = {
                # What the library adds has the name that this Python gives the status.
                str(status): name_of(HTTPStatus(int(status))) if isinstance(response, str) else response
                for status, response in operation["responses"].items()
            }
            operation["responses"] = dict(sorted(responses.items()))


class BridgeApi(Api):
    """Documents failures as what they are: RFC 9457 bodies, and only those that an operation can return."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        # Instead of the library's own, which are application/json.
        self.spec.components.schema("Problem", schema=Problem)
        for status, kinds in SHARED.items():
            self.spec.components.response(name_of(status), describe_response(status, kinds), lazy=True)

    def _register_pagination_header(self) -> None:
        # Lists say in their body where they are.
        pass


@cache
def openapi_document(base: str) -> str:
    """The document for a service at this path, as JSON.

    It is made when somebody first asks, which takes as long as all else that an application needs to start.
    """
    # It only describes, and serves nothing.
    app = Flask(__name__, static_folder=None)
    app.config.update(
        API_TITLE="Stripe Bridge",
        API_VERSION=version("stripe-bridge"),
        OPENAPI_VERSION="3.1.0",
        API_SPEC_OPTIONS={"info": _INFO, "servers": [{"url": base}]},
    )
    app.url_map.converters["id"] = IdConverter
    plugins = {"marshmallow_plugin": MarshmallowPlugin(_name_of), "extra_plugins": [ResponsesInOrder()]}
    api = BridgeApi(app, spec_kwargs=plugins)
    api.register_converter(
        IdConverter, lambda _: {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}
    )
    api.spec.components.security_scheme(Credential.BEARER.value, _BEARER)
    api.spec.components.security_scheme(Credential.PANEL_SESSION.value, _PANEL_SESSION)
    for blueprint in blueprints():
        api.register_blueprint(blueprint)
    return json.dumps(api.spec.to_dict(), indent=2, ensure_ascii=False) + "\n"


def _name_of(schema: Schema | type[Schema]) -> str:
    """What generated clients call it."""
    schema_class = schema if isinstance(schema, type) else type(schema)
    name = schema_class.__name__
    if issubclass(schema_class, ResponseSchema):
        name = name.removesuffix("Schema")
    return _PUBLISHED_NAMES.get(schema_class, name)
