"""The composition root: the only package that names every adapter.

Its entries: `create_asgi_app` for `python -m stripe_bridge`, `create_app` for other web servers and `create_command_app` for
the `flask` command (both through `wsgi.py`), `start_worker` for `dramatiq stripe_bridge.bootstrap:start_worker`, and `keys`,
the commands that need no settings. Each loads only what it needs itself.
"""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stripe_bridge.bootstrap.commands import create_command_app
    from stripe_bridge.bootstrap.keys import keys
    from stripe_bridge.bootstrap.web import create_app, create_asgi_app
    from stripe_bridge.bootstrap.worker import start_worker

__all__ = ["create_app", "create_asgi_app", "create_command_app", "keys", "start_worker"]
_MODULES = {
    "create_app": "web",
    "create_asgi_app": "web",
    "create_command_app": "commands",
    "keys": "keys",
    "start_worker": "worker",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # All that is loaded stays: looking through it for garbage again and again takes a sixth of the time of a start.
    gc.disable()
    try:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    finally:
        gc.enable()
