"""Asks this service through its public address, as Stripe does: through DNS, TLS and proxies."""

from __future__ import annotations

import requests

from stripe_bridge.ports.own_address import AddressUnreachable, Answer

_TIMEOUT = 10.0


class HttpOwnAddress:
    def get(self, url: str) -> Answer:
        try:
            answer = requests.get(url, timeout=_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            raise AddressUnreachable(f"{url} cannot be reached from here ({type(error).__name__})") from None
        try:
            body = answer.json()
        except ValueError:
            body = None
        return Answer(status=answer.status_code, body=body if isinstance(body, dict) else {})
