"""The OpenAPI document, and what flask-smorest needs for it."""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from importlib.metadata import version

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from marshmallow import Schema
from werkzeug.routing import BaseConverter

from stripe_bridge.adapters.web.schemas.fields import MAX_ID, id_in_path
from stripe_bridge.adapters.web.schemas.service import Problem
from stripe_bridge.adapters.web.views import blueprints

_DESCRIPTION = """\
Turns an ERP's sales orders into invoices at Stripe, and keeps both in sync as they are paid.

Money is an integer in the currency's minor unit, as Stripe takes it. Times are UTC. Every response has an `X-Request-Id`,
which is the caller's if it sent one. Every failure is `application/problem+json` (RFC 9457).
"""

# In addition to X-Request-Id, which is on every response.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ["WWW-Authenticate"],
    HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
}


class IdConverter(BaseConverter):
    """An id in a path. One that is out of range becomes 0, which no row has: refusing it here would make it a wrong method."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        return id_in_path(value)


class BridgeApi(Api):
    """Documents failures as what they are: RFC 9457 bodies, and only those that an operation can return."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_responses(self) -> None:
        # Instead of the library's own, which are application/json. Its decorators name them by status.
        self.spec.components.schema("Problem", schema=Problem)
        content = {"application/problem+json": {"schema": "Problem"}}
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                headers = {name: {"schema": {"type": "string"}} for name in _HEADERS.get(status, ())}
                response = {"description": status.phrase, "content": content, "headers": headers}
                self.spec.components.response(status.name, response, lazy=True)


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
        API_SPEC_OPTIONS={"info": {"description": _DESCRIPTION}, "servers": [{"url": base}]},
    )
    app.url_map.converters["id"] = IdConverter
    api = BridgeApi(app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(_name_of)})
    api.register_converter(
        IdConverter, lambda _: {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}
    )
    whose = (
        "A token made by `flask tokens create`, or a JWT of the ERP's identity provider if one is configured."
    )
    scheme = {"type": "http", "scheme": "bearer", "description": whose}
    api.spec.components.security_scheme("bearer", scheme)
    for blueprint in blueprints():
        api.register_blueprint(blueprint)
    return json.dumps(api.spec.to_dict(), indent=2)


def _name_of(schema: Schema | type[Schema]) -> str:
    """What generated clients call it."""
    schema_class = schema if isinstance(schema, type) else type(schema)
    return schema_class.__name__.removesuffix("Shape")
