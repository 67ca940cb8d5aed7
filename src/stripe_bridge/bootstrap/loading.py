"""Loading what only some processes need, once they need it."""

from __future__ import annotations

import gc
from importlib import import_module
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
