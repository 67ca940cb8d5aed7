"""Where messages may go, so that nobody who registers an address learns of what is behind our firewall, or reaches it.

The name is resolved when an address is registered, and again for each connection: every address that it has must be allowed,
and the one that was found to be so is the one connected to, since a name may have other addresses the next time.
"""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Any

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from stripe_bridge.adapters.deliveries.addresses import is_private, why_refused
from stripe_bridge.domain.errors.values import UrlNotAllowed
from stripe_bridge.domain.subscriber import MAX_URL_LENGTH
from stripe_bridge.ports.deliveries import NotDelivered

_PORTS = {"http": 80, "https": 443}
# In seconds. Registering waits no longer for a name.
_RESOLVING = 5.0
Resolve = Callable[[str, int], Sequence[str]]


def resolve_host(host: str, port: int) -> Sequence[str]:
    """All its addresses, in the order in which the system prefers them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Guard:
    """`allow_private` are the private networks that are allowed, also without TLS. `is_proxied`: a proxy resolves the names,
    and guards by itself."""

    def __init__(
        self,
        allow_private: Sequence[str] = (),
        *,
        is_proxied: bool = False,
        resolve: Resolve = resolve_host,
    ) -> None:
        self._allowed = [ip_network(each) for each in allow_private]
        self._is_proxied, self._resolve = is_proxied, resolve

    def check(self, url: str) -> None:
        """Raises UrlNotAllowed."""
        parts = parse(url)
        if self._is_proxied:
            if parts.scheme != "https" and not self._allowed:
                raise UrlNotAllowed(_NO_TLS)
            return
        try:
            self.addresses(str(parts.scheme), host_of(parts), port_of(parts), within=_RESOLVING)
        except NotDelivered as error:
            raise UrlNotAllowed(error.reason.rstrip(".") + ".") from error

    def addresses(self, scheme: str, host: str, port: int, *, within: float) -> Sequence[str]:
        """Those that the host has now, all of which are allowed. Raises NotDelivered."""
        found = self._resolve_within(host, port, within)
        for address in found:
            refusal = why_refused(address, self._allowed)
            if refusal is not None:
                raise NotDelivered(refusal if address == host else f"{host} is {address}: {refusal}")
            if scheme != "https" and not is_private(address):
                raise NotDelivered(_NO_TLS)
        return found

    def _resolve_within(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """The system's resolver has no time limit, so it gets a thread that nobody waits for."""
        found: queue.SimpleQueue[Sequence[str] | OSError | UnicodeError] = queue.SimpleQueue()

        def resolve() -> None:
            try:
                found.put(self._resolve(host, port))
            except (OSError, UnicodeError) as error:
                found.put(error)

        threading.Thread(target=resolve, name="resolve", daemon=True).start()
        try:
            addresses: Any = found.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise NotDelivered(f"{host} was not resolved in time") from None
        if isinstance(addresses, Exception) or not addresses:
            raise NotDelivered(f"{host} does not resolve")
        return list(addresses)


_NO_TLS = "Must be an https URL."


def parse(url: str) -> Url:
    """By the parser that the connection goes by, too. Raises UrlNotAllowed."""
    if len(url) > MAX_URL_LENGTH:
        raise UrlNotAllowed(f"Must not be longer than {MAX_URL_LENGTH} characters.")
    if not url.isprintable() or " " in url or "\\" in url:
        raise UrlNotAllowed("Must not contain spaces, control characters or backslashes.")
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise UrlNotAllowed("Is not a URL.") from None
    if parts.scheme not in _PORTS:
        raise UrlNotAllowed(_NO_TLS)
    # An empty one, too, which the parser leaves out.
    if parts.auth is not None or "@" in re.split("[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        raise UrlNotAllowed("Must not contain a user name or a password.")
    if not parts.host:
        raise UrlNotAllowed("Has no host.")
    if parts.port == 0:
        raise UrlNotAllowed("Has an invalid port.")
    if parts.fragment is not None:
        raise UrlNotAllowed("Must not have a fragment.")
    return parts


def host_of(parts: Url) -> str:
    """Without the brackets around an IPv6 address."""
    return str(parts.host).strip("[]")


def port_of(parts: Url) -> int:
    return parts.port or _PORTS[str(parts.scheme)]
