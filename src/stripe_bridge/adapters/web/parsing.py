"""Reading JSON bodies and query strings without guessing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from flask import Request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.domain.errors.outcomes import PayloadTooLarge
from stripe_bridge.domain.webhook_event import MAX_PAYLOAD_BYTES


class StrictParser(FlaskParser):
    """Malformed JSON is a 400, another content type a 415, everything that is JSON but not as it has to be a 422."""

    # A schema says itself what becomes of a field that it does not know, in query strings too.
    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {"json": None, "query": None}

    def load_json(self, req: Request, schema: Schema) -> Any:
        raw = read_body(req)
        if not raw.strip():
            return {}
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        body = parse_json(raw)
        if not isinstance(body, dict):
            raise RequestInvalid({"body": ["Not a JSON object."]})
        return body

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Mapping[str, str] | None,
    ) -> NoReturn:
        # The outermost name is that of the location, json or query.
        if not isinstance(error.messages, dict):
            raise RequestInvalid(dict(_flat(error.messages, "")))
        raise RequestInvalid(dict(pair for fault in error.messages.values() for pair in _flat(fault, "")))


def read_body(request: Request) -> bytes:
    """The bytes as they came. Raises PayloadTooLarge, having read at most one byte too many."""
    raw = request.get_data()
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(MAX_PAYLOAD_BYTES)
    return raw


def parse_json(raw: bytes) -> Any:
    """RFC 8259, no extensions, no name twice. Raises BadRequest."""
    try:
        return json.loads(
            raw.decode("utf-8"),
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError):
        raise BadRequest from None


def _integer(digits: str) -> int | float:
    """Numbers beyond every bound stay harmless: reading them digit by digit costs more than they are worth."""
    return int(digits) if len(digits) <= 40 else math.inf


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("NaN")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice")
    return names


def _flat(fault: Any, prefix: str) -> Iterator[tuple[str, list[str]]]:
    """`{"lines": {0: {"quantity": ["…"]}}}` as `lines.0.quantity: […]`."""
    if isinstance(fault, Mapping):
        for name, inner in fault.items():
            path = prefix if name == "_schema" else f"{prefix}.{name}" if prefix else str(name)
            yield from _flat(inner, path)
    else:
        yield prefix or "body", [str(text) for text in fault]
