"""Waking the workers: those of this process, or through Redis those of other processes."""

from dramatiq import Broker

from stripe_bridge.adapters.queue.in_process import InProcessNudges
from stripe_bridge.adapters.queue.plain_redis import redis
from stripe_bridge.adapters.queue.redis_nudges import DramatiqNudges, redis_broker

__all__ = ["Broker", "DramatiqNudges", "InProcessNudges", "redis", "redis_broker"]
