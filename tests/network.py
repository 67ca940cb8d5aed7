"""Keeps the tests from reaching other machines, and from being reached by them."""

import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

_GIVEN_SERVERS = ("TEST_DATABASE_URL", "TEST_REDIS_URL")


class OutsideNetwork(Exception):
    """A test tried to reach another machine, or to open a port to other machines."""


def stay_on_loopback() -> None:
    """Refuse every address except loopback, for the rest of the process: an audit hook cannot be removed."""
    given = {urlsplit(os.environ.get(name, "")).hostname for name in _GIVEN_SERVERS}
    allowed = {"127.0.0.1", "::1", "localhost", *given}
    watched = frozenset({"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname"})

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        # Almost all of them are others: a test process has thousands a second.
        if event not in watched:
            return
        if event in ("socket.connect", "socket.bind"):
            opened, address = arguments
            inet = opened.family in (socket.AF_INET, socket.AF_INET6)
            if inet and address[0] not in allowed:
                raise OutsideNetwork(f"{event} {address}")
        elif arguments[0] not in allowed:
            raise OutsideNetwork(f"{event} {arguments[0]!r}")

    sys.addaudithook(refuse)
