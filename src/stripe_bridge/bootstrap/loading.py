"""Loading what only some processes need, once they need it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any


def load(place: str) -> Any:
    """`module:name` of this package. All that is loaded stays, so nothing looks for garbage in the meantime: that takes a
    sixth of the time of a start."""
    module, _, name = place.partition(":")
    gc.disable()
    try:
        return getattr(import_module(f"stripe_bridge.{module}"), name)
    finally:
        gc.enable()


def once(build: Callable[[], Any]) -> Callable[[], Any]:
    """Builds at the first call, and only then, whatever threads call it."""
    guard, built = Lock(), cache(build)

    def get() -> Any:
        with guard:
            return built()

    return get


class Later:
    """Stands for something until it is used, which `load` brings forward."""

    def __init__(self, load: Callable[[], Any]) -> None:
        self.load = load

    def __getattr__(self, name: str) -> Any:
        return getattr(self.load(), name)
