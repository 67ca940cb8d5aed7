"""`Idempotency-Key`: a repeated request gets the first answer again, with the header `Idempotent-Replayed: true`."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping

from flask import Flask, Response, g, request

from stripe_bridge.adapters.web.endpoints import Operation
from stripe_bridge.adapters.web.parsing import read_body
from stripe_bridge.adapters.web.problems import RequestInvalid
from stripe_bridge.bridge import Bridge
from stripe_bridge.domain.errors.base import BridgeError
from stripe_bridge.domain.idempotency import MAX_KEY_LENGTH, IdempotentRequest, RequestScope, StoredResponse

_log = logging.getLogger(__name__)
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(f"[!-~]{{1,{MAX_KEY_LENGTH}}}")


def honor_idempotency_keys(app: Flask, operations: Mapping[str, Operation], bridge: Bridge) -> None:
    """Has to be called after `authenticate_requests`: keys belong to authenticated callers."""

    @app.before_request
    def begin() -> Response | None:
        operation = operations.get(request.endpoint or "")
        key = request.headers.get(HEADER)
        if key is None or operation is None or not operation.takes_idempotency_key:
            return None
        # OPTIONS has the same endpoint, and authentication lets it pass without a principal.
        if request.method != operation.method:
            return None
        if not _KEY.fullmatch(key):
            raise RequestInvalid({HEADER: [f"Must be 1 to {MAX_KEY_LENGTH} visible ASCII characters."]})
        scope = RequestScope(
            token_id=g.principal.idempotency_scope, method=request.method, path=_path(), key=key
        )
        body_hash = hashlib.sha256(read_body(request)).hexdigest()
        begun = bridge.access.begin_request(scope, body_hash, is_secret=operation.response_is_secret)
        if isinstance(begun, StoredResponse):
            replayed = {REPLAYED: "true"}
            return Response(begun.body, begun.status, content_type=begun.content_type, headers=replayed)
        g.idempotent_request, g.response_is_secret = begun, operation.response_is_secret
        g.request_name = _name(scope, body_hash)
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        begun: IdempotentRequest | None = g.pop("idempotent_request", None)
        if begun is not None:
            answer = StoredResponse(
                status=response.status_code,
                content_type=response.content_type,
                body=response.get_data(),
            )
            try:
                bridge.access.finish_request(begun, answer, is_secret=g.response_is_secret)
            except BridgeError as error:
                # The answer stands; but it cannot be repeated once the key's lease has run out.
                _log.warning("an idempotent answer was not kept", extra={"reason": error.message})
        return response


def _path() -> str:
    """The path; for an id that is out of range its route, since an index may not take as many digits."""
    is_anybodys = 0 not in (request.view_args or {}).values()
    return request.path if is_anybodys else str(request.url_rule)


def _name(scope: RequestScope, body_hash: str) -> str:
    """The same for every repetition of a request, and different for any other."""
    parts = (scope.token_id, scope.method, scope.path, scope.key, body_hash)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:48]
