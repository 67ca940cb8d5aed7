"""The SDK's HTTP transport: urllib3 with connections that are kept open, without what only browsers need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import PoolManager, ProxyManager, Timeout, make_headers
from urllib3.exceptions import HTTPError, SSLError
from urllib3.util import parse_url

# Open connections to one host; if more threads than this need one, the additional ones are closed after use.
_MAX_CONNECTIONS = 32
_DEFAULT_HEADERS = make_headers(keep_alive=True, accept_encoding="gzip,deflate")
_Response = tuple[Any, int, Mapping[str, str]]


class PooledHttpClient(stripe.HTTPClient):
    """Can be shared by threads. It sends exactly what the SDK gives it, and follows no redirects.

    The SDK's own clients support any HTTP library, and read the environment for each request, including `.netrc`, whose
    password would replace our key. Here only proxies are taken from the environment, once for each host.
    """

    name = "urllib3"

    def __init__(self, *, timeout: tuple[float, float]) -> None:
        """`timeout`: for connecting and for each part of an answer, in seconds."""
        super().__init__()
        connect, read = timeout
        self._options: Mapping[str, Any] = {
            "maxsize": _MAX_CONNECTIONS,
            "timeout": Timeout(connect=connect, read=read),
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": stripe.ca_bundle_path,
        }
        self._pools: dict[str, PoolManager] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> _Response:
        """Raises stripe.APIConnectionError, which says whether a retry may help."""
        body = post_data.encode() if isinstance(post_data, str) else post_data
        try:
            answer = self._pool_for(url).urlopen(
                method.upper(),
                url,
                body=body,
                headers={**_DEFAULT_HEADERS, **(headers or {})},
                redirect=False,
                retries=False,
            )
        except (HTTPError, OSError) as error:
            raise _no_answer(error) from error
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()

    def _pool_for(self, url: str) -> PoolManager:
        """If two threads create one at the same time, both use the first."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}/"
        return self._pools.get(origin) or self._pools.setdefault(origin, self._new_pool(origin))

    def _new_pool(self, origin: str) -> PoolManager:
        proxy = select_proxy(origin, get_environ_proxies(origin))
        if not proxy:
            return PoolManager(**self._options)
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        credentials = parse_url(proxy).auth_decoded_joined
        headers = make_headers(proxy_basic_auth=credentials) if credentials else None
        return ProxyManager(proxy, proxy_headers=headers, **self._options)


def _no_answer(error: Exception) -> stripe.APIConnectionError:
    message = f"no answer from Stripe: {type(error).__name__}: {error}"
    retry = not isinstance(error, SSLError)
    return stripe.APIConnectionError(message, should_retry=retry)  # type: ignore[no-untyped-call]  # the SDK's
