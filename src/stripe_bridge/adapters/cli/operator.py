"""Who is at the command line."""

from __future__ import annotations

import getpass
import os

from stripe_bridge.domain.actor import Actor, ActorType


def operator() -> Actor:
    """By the login name; behind sudo, by that of whoever used it."""
    return Actor(type=ActorType.OPERATOR, id=os.environ.get("SUDO_USER") or _login_name())


def _login_name() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number only.
        return None
