"""Delivering over HTTP, with urllib3."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from standardwebhooks import Webhook
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, make_headers
from urllib3.exceptions import HTTPError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as Urllib3Timeout
from urllib3.util import parse_url

from stripe_bridge.adapters.deliveries.connections import CALL, Call, GuardedHttpPool, GuardedHttpsPool
from stripe_bridge.adapters.deliveries.guard import Guard, parse
from stripe_bridge.ports.deliveries import Answer, Message, NotDelivered

# In seconds, from the first name look-up to the end of the answer.
TIME_LIMIT = 15.0
MAX_READ, _MAX_KEPT = 64 * 1024, 2 * 1024
_CHUNK = 8 * 1024
# Connections to one host that are kept open, and hosts to which there are any.
_CONNECTIONS, _HOSTS = 4, 50
_HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "stripe-bridge (+changes)",
}
_MAX_DIGITS = 9
_MASK = "[redacted]"


class HttpDeliveries:
    """Can be shared by threads. It follows no redirects, and takes nothing from the environment.

    `proxy` gets all requests, and guards by itself. `ca_file` has further authorities. `redact` masks the secrets in a text.
    """

    def __init__(
        self,
        allow_private: Sequence[str] = (),
        *,
        proxy: str | None = None,
        ca_file: str | None = None,
        redact: Callable[[str], str] = str,
        guard: Guard | None = None,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._guard = guard or Guard(allow_private, is_proxied=proxy is not None)
        self._redact, self._time_limit = redact, time_limit
        self._guard_of_connections = None if proxy is not None else self._guard
        self._proxy, self._ca_file = proxy, ca_file

    def check(self, url: str) -> None:
        self._guard.check(url)

    def post(self, url: str, message: Message, secrets: Sequence[str]) -> Answer:
        parse(url)
        headers = {**_HEADERS, **_signed(message, secrets)}
        token = CALL.set(Call(time.monotonic() + self._time_limit, self._guard_of_connections))
        try:
            response = self._request(url, message, headers)
            with response:
                text = _read(response)
                status, retry_after = response.status, response.headers.get("Retry-After")
        finally:
            CALL.reset(token)
        masked = self._masked(text, [*secrets, *headers["webhook-signature"].split()])
        return Answer(status=status, body=masked, retry_after=_wait(retry_after, message.timestamp))

    def close(self) -> None:
        self._pools.clear()

    @cached_property
    def _pools(self) -> PoolManager:
        """Only when they are needed: loading all authorities takes as long as much of a start."""
        return _pools(self._proxy, self._ca_file)

    def _request(self, url: str, message: Message, headers: Mapping[str, str]) -> BaseHTTPResponse:
        try:
            return self._pools.urlopen(
                "POST",
                url,
                body=message.body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError, UnicodeError) as error:
            raise NotDelivered(self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        if isinstance(error, (Urllib3Timeout, TimeoutError)):
            return f"no answer within {self._time_limit:g} seconds"
        if isinstance(error, (SSLError, ssl.SSLError)):
            return f"TLS failed: {self._redact(_first_line(error))}"
        if isinstance(error, ProtocolError):
            return f"the connection was cut: {self._redact(_first_line(error))}"
        return f"no connection: {self._redact(_first_line(error))}"

    def _masked(self, body: bytes, secrets: Sequence[str]) -> str:
        """What is masked is cut afterwards: no part of a secret stays. Databases keep no control characters."""
        text = body.decode(errors="replace")
        for secret in secrets:
            text = text.replace(secret, _MASK)
        text = self._redact(text)[:_MAX_KEPT]
        return "".join(char if char.isprintable() else " " for char in text).strip()


def _pools(proxy: str | None, ca_file: str | None) -> PoolManager:
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    options: dict[str, Any] = {"maxsize": _CONNECTIONS, "num_pools": _HOSTS, "ssl_context": context}
    if proxy is None:
        pools = PoolManager(**options)
    else:
        credentials = parse_url(proxy).auth_decoded_joined
        headers = make_headers(proxy_basic_auth=credentials) if credentials else None
        pools = ProxyManager(proxy, proxy_headers=headers, proxy_ssl_context=context, **options)
    pools.pool_classes_by_scheme = {"http": GuardedHttpPool, "https": GuardedHttpsPool}
    return pools


def _signed(message: Message, secrets: Sequence[str]) -> dict[str, str]:
    body = message.body.decode()
    signatures = [Webhook(secret).sign(message.id, message.timestamp, body) for secret in secrets]
    return {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(message.timestamp.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _read(response: BaseHTTPResponse) -> bytes:
    """The beginning of the body. The status has been given: whatever happens to the rest changes nothing."""
    body = b""
    try:
        while len(body) < MAX_READ:
            chunk = response.read1(min(_CHUNK, MAX_READ - len(body)), decode_content=False)
            if not chunk:
                return body
            body += chunk
    except (HTTPError, OSError):
        pass
    # The rest is still to come, or will never: the connection cannot be used again.
    response.close()
    return body


def _wait(retry_after: str | None, now: datetime) -> timedelta | None:
    """RFC 9110, 10.2.3: seconds, or a date."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_MAX_DIGITS]))
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    until = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return max(timedelta(), until - now)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
