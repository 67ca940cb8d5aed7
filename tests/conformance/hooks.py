"""Hooks for schemathesis, loaded in its own process: they get more of its requests past the first check.

Requests take turns at the tokens, so that a run is not mostly 429s. Every second webhook that could be valid is signed
and sent to an existing receiver. A disconnected integration is connected again, so that invoices can be sent.
"""

import hashlib
import hmac
import itertools
import json
import os
import re
import time
from typing import Any

import requests
import schemathesis

_GIVEN = json.loads(os.environ["CONFORMANCE"])
_TOKENS: "itertools.cycle[str]" = itertools.cycle(_GIVEN["tokens"])
_GOOD = {"hash": "[0-9a-f]{64}", "log": "log_[A-Za-z0-9_.-]{1,96}", "wait": "[0-9]{1,2}"}
_CREATED: set[int] = set()
_UNSIGNED = itertools.cycle([False, True])


@schemathesis.auth(refresh_interval=None)
class Turns:
    def get(self, case: Any, context: Any) -> str:
        return next(_TOKENS)

    def set(self, case: Any, data: str, context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.path == "/api/changes":
        _read_as_a_stranger(case)
    if "/subscribers" in case.path and case.meta.generation.mode.is_positive:
        _find_a_subscriber(case)
    # Requests that are wrong on purpose stay wrong.
    if "/webhooks/" not in case.path or not case.meta.generation.mode.is_positive or next(_UNSIGNED):
        return
    body = requests.Request(**case.as_transport_kwargs(base_url=_GIVEN["service"])).prepare().body or b""
    payload = body if isinstance(body, bytes) else body.encode()
    if case.path_parameters:
        case.path_parameters["integration_id"] = _GIVEN["with_receiver"]
    now = int(time.time())
    digest = hmac.new(_GIVEN["webhook_secret"].encode(), f"{now}.".encode() + payload, hashlib.sha256)
    case.headers["Stripe-Signature"] = f"t={now},v1={digest.hexdigest()}"


def _find_a_subscriber(case: Any) -> None:
    """One is there to be deleted, one for all else, but for those that were created here; these get an allowed address."""
    kept, to_delete = _GIVEN["subscribers"]
    if case.path_parameters and case.path_parameters["subscriber_id"] not in _CREATED:
        case.path_parameters["subscriber_id"] = to_delete if case.method == "DELETE" else kept
    if isinstance(case.body, dict) and "url" in case.body:
        case.body["url"] = _GIVEN["receiver"]


def _read_as_a_stranger(case: Any) -> None:
    """Who waits takes as long as it says, and whoever holds another hash holds the sends. Tests of their own do both.

    What is wrong on purpose stays wrong.
    """
    query = case.query or {}
    for name in query.keys() & _GOOD.keys():
        if re.fullmatch(_GOOD[name], str(query[name])):
            del query[name]


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if case.path == "/api/subscribers" and response.status_code == 201:
        _CREATED.add(response.json()["data"]["id"])
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
