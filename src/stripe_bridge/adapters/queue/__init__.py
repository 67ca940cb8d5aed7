"""Waking the workers: those of this process, or through Redis those of other processes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stripe_bridge.adapters.queue.in_process import InProcessNudges

if TYPE_CHECKING:
    from dramatiq import Broker

    from stripe_bridge.adapters.queue.redis_nudges import DramatiqNudges, redis_broker

__all__ = ["Broker", "DramatiqNudges", "InProcessNudges", "redis_broker"]
_OF_REDIS = frozenset({"Broker", "DramatiqNudges", "redis_broker"})


def __getattr__(name: str) -> Any:
    """What needs Redis is loaded when it is used: with Redis itself it takes a twentieth of a second of each start."""
    if name not in _OF_REDIS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    importlib.import_module(f"{__name__}.plain_redis")
    return getattr(importlib.import_module(f"{__name__}.redis_nudges"), name)
