"""Compares the service's answers with its own OpenAPI document."""

import json
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis


def hold(url: str, answer: requests.Response) -> None:
    """Raise unless the document of the service at this address describes this answer to this request."""
    asked = answer.request
    document = _read(_text(url))
    operation = document.find_operation_by_path(asked.method, urlsplit(asked.url or "").path)
    if operation is None:
        assert answer.status_code in (404, 405), f"{asked.method} {asked.url} is not described"
        return
    described = operation.definition.raw["responses"]
    assert str(answer.status_code) in described, f"{operation.label}: no {answer.status_code} is described"
    operation.validate_response(answer)


@cache
def _text(url: str) -> str:
    with requests.Session() as http:
        http.trust_env = False
        return http.get(f"{url}/openapi.json", timeout=60).text


@cache
def _read(text: str) -> Any:
    """Services of the same settings have the same document, and reading one takes a third of a second."""
    return schemathesis.openapi.from_dict(json.loads(text))
