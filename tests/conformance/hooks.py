"""What schemathesis runs with, in its own process: keeps its requests from ending at the first gate.

Tokens take turns, so that a run is not mostly 429; every other webhook that could be good is signed, and goes to a
receiver that there is; an integration that was disconnected is connected again, so that there is something to send
through.
"""

import hashlib
import hmac
import itertools
import json
import os
import time
from typing import Any

import requests
import schemathesis

_GIVEN = json.loads(os.environ["CONFORMANCE"])
_TOKENS: "itertools.cycle[str]" = itertools.cycle(_GIVEN["tokens"])
_UNSIGNED = itertools.cycle([False, True])


@schemathesis.auth(refresh_interval=None)
class Turns:
    def get(self, case: Any, context: Any) -> str:
        return next(_TOKENS)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    # What is wrong on purpose stays wrong.
    if "/webhooks/" not in case.path or not case.meta.generation.mode.is_positive or next(_UNSIGNED):
        return
    body = requests.Request(**case.as_transport_kwargs(base_url=_GIVEN["service"])).prepare().body or b""
    payload = body if isinstance(body, bytes) else body.encode()
    if case.path_parameters:
        case.path_parameters["integration_id"] = _GIVEN["with_receiver"]
    now = int(time.time())
    digest = hmac.new(_GIVEN["webhook_secret"].encode(), f"{now}.".encode() + payload, hashlib.sha256)
    case.headers["Stripe-Signature"] = f"t={now},v1={digest.hexdigest()}"


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if case.path.endswith("/disconnect") and case.method == "POST" and response.status_code == 200:
        id_ = str(response.json()["data"]["id"])
        if id_ in _GIVEN["accounts"]:
            _connect_again(id_, _GIVEN["accounts"][id_])


def _connect_again(integration_id: str, account: str) -> None:
    with requests.Session() as http:
        http.trust_env = False
        answer = http.post(
            f"{_GIVEN['service']}/api/stripe/integrations/{integration_id}/authorize",
            headers={"Authorization": f"Bearer {_GIVEN['power_user']}"},
            timeout=30,
        )
        if answer.ok:
            form = {"decision": "approve", "account": account}
            http.post(answer.json()["data"]["authorize_url"], data=form, timeout=30)
