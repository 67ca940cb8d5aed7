"""What carries the SDK's requests: connections that are kept, without what a browser would need around them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import default_headers, get_environ_proxies

# Of threads, to one host; more of them than that make connections that are not kept.
_KEPT = 32


class StripeSession(requests.Session):
    """A session for threads to share, which sends what it is given as it is.

    The SDK encodes and quotes all of it. A general session reads the environment for each request, `.netrc` among it, whose
    password would take our key's place, and follows redirections; cookies are another of its concerns. Proxies are taken from
    the environment, once for each host.
    """

    def __init__(self) -> None:
        super().__init__()
        self._adapter = HTTPAdapter(pool_maxsize=_KEPT)
        self._standing = dict(default_headers())

    def request(  # type: ignore[override]  # as the SDK calls it, and nobody else
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: str | bytes | None = None,
        timeout: tuple[float, float] | float | None = None,
        verify: bool | str = True,
    ) -> requests.Response:
        prepared = requests.PreparedRequest()
        prepared.method, prepared.url = method.upper(), url
        prepared.headers = CaseInsensitiveDict({**self._standing, **(headers or {})})
        prepared.body = body = data.encode() if isinstance(data, str) else data
        if body is not None or prepared.method not in ("GET", "HEAD"):
            prepared.headers["Content-Length"] = str(len(body or b""))
        return self._adapter.send(prepared, timeout=timeout, verify=verify, proxies=_proxies_to(url))

    def close(self) -> None:
        self._adapter.close()
        super().close()


def _proxies_to(url: str) -> dict[str, str]:
    scheme, netloc, *_ = urlsplit(url)
    return _proxies_of(urlunsplit((scheme, netloc, "/", "", "")))


@lru_cache(maxsize=16)
def _proxies_of(origin: str) -> dict[str, Any]:
    return dict(get_environ_proxies(origin))
