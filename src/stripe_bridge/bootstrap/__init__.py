"""The composition root: the only package that names every adapter.

Its entries: `main` for `stripe-bridge`, `create_asgi_app` for its web server, `create_app` for other web servers and
`create_command_app` for the `flask` command (both through `stripe_bridge.wsgi`), `start_worker` for
`dramatiq stripe_bridge.bootstrap:start_worker`, and `keys`, the commands that need no settings. Each loads only what it needs
itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stripe_bridge.bootstrap.loading import load

if TYPE_CHECKING:
    from stripe_bridge.bootstrap.command_app import create_command_app
    from stripe_bridge.bootstrap.console import keys, main
    from stripe_bridge.bootstrap.web import create_app, create_asgi_app
    from stripe_bridge.bootstrap.worker import start_worker

__all__ = ["create_app", "create_asgi_app", "create_command_app", "keys", "main", "start_worker"]
_MODULES = {
    "create_app": "web",
    "create_asgi_app": "web",
    "create_command_app": "command_app",
    "keys": "console",
    "main": "console",
    "start_worker": "worker",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return load(f"bootstrap.{_MODULES[name]}:{name}")
