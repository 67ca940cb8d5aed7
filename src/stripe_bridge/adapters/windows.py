"""Rate limits as moving windows, in memory or in Redis; there, several are counted in one turn."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import RedisStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

# As `limits` keeps a window: a list of moments, the newest first. So what it counts and what is counted here is one.
_COUNT = b"""
local now = tonumber(ARGV[1])

local function is_full(i)
    local oldest = redis.call('lindex', KEYS[i], ARGV[2 * i + 1] - 1)
    return oldest and tonumber(oldest) >= now - ARGV[2 * i + 2]
end

if ARGV[2] == 'all' then
    for i = 1, #KEYS do
        if is_full(i) then return i end
    end
end
for i = 1, #KEYS do
    if is_full(i) then return i end
    redis.call('lpush', KEYS[i], ARGV[1])
    redis.call('ltrim', KEYS[i], 0, ARGV[2 * i + 1] - 1)
    redis.call('expire', KEYS[i], ARGV[2 * i + 2])
end
return 0
"""
# In seconds; windows that nothing is counted in any more take memory for no longer.
_BETWEEN_TIDYING = 60.0


class Window(NamedTuple):
    """How much is let through, and whose it is: a window for each name."""

    item: RateLimitItem
    name: tuple[str, ...]


class MovingWindows:
    """Shared by all processes with the same storage: `memory://` is this process alone, a `redis://` URL all.

    `timeout`, for a connection to Redis and for each of its answers, in seconds.
    """

    def __init__(self, storage_uri: str, *, timeout: float) -> None:
        self._windows = _InMemory() if storage_uri == "memory://" else _InRedis(storage_uri, timeout)

    def hit_each(self, *windows: Window) -> Window | None:
        """Count in each, up to the first that is full: that one. Raises StorageError."""
        return self._windows.count("each", windows)

    def hit_all(self, *windows: Window) -> bool:
        """Count in all, or in none where any is full. Raises StorageError."""
        return self._windows.count("all", windows) is None

    def resets_in(self, window: Window) -> float:
        """Seconds until the oldest in it goes. Raises StorageError."""
        return self._windows.resets_in(window)


class _InMemory:
    """By a clock that nobody sets. By that of `limits`, a window that is full stays so for as long as it was set back."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._moments: dict[str, deque[float]] = {}
        self._goes_at: dict[str, float] = {}
        self._tidied_at = time.monotonic()

    def count(self, how: str, windows: tuple[Window, ...]) -> Window | None:
        """The first that is full."""
        with self._mutex:
            now = time.monotonic()
            self._tidy(now)
            if how == "all":
                full = next((each for each in windows if self._is_full(each, now)), None)
                if full is not None:
                    return full
            for each in windows:
                if self._is_full(each, now):
                    return each
                self._of(each).append(now)
                self._goes_at[_key(each)] = now + each.item.get_expiry()
        return None

    def resets_in(self, window: Window) -> float:
        with self._mutex:
            moments = self._of(window)
            return moments[0] + window.item.get_expiry() - time.monotonic() if moments else 0.0

    def _is_full(self, window: Window, now: float) -> bool:
        moments = self._of(window)
        while moments and moments[0] < now - window.item.get_expiry():
            moments.popleft()
        return len(moments) >= window.item.amount

    def _of(self, window: Window) -> deque[float]:
        return self._moments.setdefault(_key(window), deque())

    def _tidy(self, now: float) -> None:
        """Names come and go."""
        if now - self._tidied_at < _BETWEEN_TIDYING:
            return
        self._tidied_at = now
        self._goes_at = {key: goes_at for key, goes_at in self._goes_at.items() if goes_at >= now}
        self._moments = {key: self._moments[key] for key in self._goes_at}


def _key(window: Window) -> str:
    return window.item.key_for(*window.name)


class _InRedis:
    def __init__(self, storage_uri: str, timeout: float) -> None:
        storage = storage_from_string(storage_uri, wrap_exceptions=True, **dict.fromkeys(_TIMEOUTS, timeout))
        if not isinstance(storage, RedisStorage):
            raise TypeError("The storage of rate limits has to be a synchronous Redis.")
        self._storage = storage
        self._script = storage.get_connection().register_script(_COUNT)
        self._limiter = MovingWindowRateLimiter(storage)

    def count(self, how: str, windows: tuple[Window, ...]) -> Window | None:
        """The first that is full."""
        keys = [self._storage.prefixed_key(_key(each)) for each in windows]
        sizes = [number for each in windows for number in (each.item.amount, each.item.get_expiry())]
        try:
            full = int(self._script(keys, [time.time(), how, *sizes]))
        except self._storage.base_exceptions as error:
            raise StorageError(error) from error
        return windows[full - 1] if full else None

    def resets_in(self, window: Window) -> float:
        return self._limiter.get_window_stats(window.item, *window.name).reset_time - time.time()


_TIMEOUTS = ("socket_timeout", "socket_connect_timeout")
