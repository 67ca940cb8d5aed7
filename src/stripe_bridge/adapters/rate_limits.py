"""Rate limits as moving windows, in memory or in Redis, where several are counted in a single round trip."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import RedisStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

# Keeps a window as `limits` does: a list of times, newest first. So both count in the same window.
_SCRIPT = b"""
-- Redis's own time: the clocks of the processes that share a window may differ.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function is_full(i)
    local oldest = redis.call('lindex', KEYS[i], ARGV[2 * i] - 1)
    return oldest and tonumber(oldest) >= now - ARGV[2 * i + 1]
end

if ARGV[1] == 'all' then
    for i = 1, #KEYS do
        if is_full(i) then return i end
    end
end
for i = 1, #KEYS do
    if is_full(i) then return i end
    redis.call('lpush', KEYS[i], string.format('%.6f', now))
    redis.call('ltrim', KEYS[i], 0, ARGV[2 * i] - 1)
    redis.call('expire', KEYS[i], ARGV[2 * i + 1])
end
return 0
"""
# In seconds. Smaller steps back are only two threads reading the same clock.
CLOCK_TOLERANCE = 1.0


class Window(NamedTuple):
    """How much is let through, and for whom: each name has its own window."""

    item: RateLimitItem
    name: tuple[str, ...]


class MovingWindows:
    """Shared by all processes with the same storage: `memory://` is only this process, a `redis://` URL all of them.

    `timeout` is for a connection to Redis and for each of its answers, in seconds.
    """

    def __init__(self, storage_uri: str, *, timeout: float) -> None:
        in_time = {} if storage_uri == "memory://" else dict.fromkeys(_TIMEOUT_OPTIONS, timeout)
        storage = storage_from_string(storage_uri, wrap_exceptions=True, **in_time)
        if not isinstance(storage, Storage):
            raise TypeError("The storage of rate limits has to be a synchronous one.")
        self._storage, self._limiter = storage, MovingWindowRateLimiter(storage)
        # In memory, several windows are counted one after the other.
        self._mutex = threading.Lock()
        self._seen_at = time.time()
        self._in_redis = _InRedis(storage) if isinstance(storage, RedisStorage) else None

    def hit_each(self, *windows: Window) -> Window | None:
        """Count in each up to the first that is full, and return that one. Raises StorageError."""
        if self._in_redis is not None:
            return self._in_redis.count("each", windows)
        with self._mutex:
            self._reset_if_clock_went_back()
            return next((each for each in windows if not self._limiter.hit(each.item, *each.name)), None)

    def hit_all(self, *windows: Window) -> bool:
        """Count in all, or in none if any is full. Raises StorageError."""
        if self._in_redis is not None:
            return self._in_redis.count("all", windows) is None
        with self._mutex:
            self._reset_if_clock_went_back()
            return all(self._limiter.test(each.item, *each.name) for each in windows) and all(
                self._limiter.hit(each.item, *each.name) for each in windows
            )

    def resets_in(self, window: Window) -> float:
        """Seconds until its oldest entry expires. Raises StorageError."""
        seconds = self._limiter.get_window_stats(window.item, *window.name).reset_time - time.time()
        # The library goes by the clock of this process, and may so be wrong by any amount.
        return min(max(seconds, 0.0), float(window.item.get_expiry()))

    def _reset_if_clock_went_back(self) -> None:
        """If the clock was set back, what was counted before lies in the future, and a full window would stay full."""
        now = time.time()
        if now < self._seen_at - CLOCK_TOLERANCE:
            self._storage.reset()
        self._seen_at = now


class _InRedis:
    def __init__(self, storage: RedisStorage) -> None:
        self._storage = storage
        self._script = storage.get_connection().register_script(_SCRIPT)

    def count(self, how: str, windows: tuple[Window, ...]) -> Window | None:
        """Returns the first that is full."""
        keys = [self._storage.prefixed_key(each.item.key_for(*each.name)) for each in windows]
        sizes = [number for each in windows for number in (each.item.amount, each.item.get_expiry())]
        try:
            full = int(self._script(keys, [how, *sizes]))
        except self._storage.base_exceptions as error:
            raise StorageError(error) from error
        return windows[full - 1] if full else None


_TIMEOUT_OPTIONS = ("socket_timeout", "socket_connect_timeout")
