import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from stripe_bridge.adapters.rate_limits import MovingWindows, Window
from tests.servers.redis import RedisServer

NARROW, WIDE = Window(parse("2/minute"), ("one", "narrow")), Window(parse("5/minute"), ("one",))


@pytest.fixture(params=["memory", "redis"])
def storage_uri(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("redis_url"))


def room(windows: MovingWindows, window: Window) -> int:
    """How many are still let through."""
    return next(number for number in range(9) if not windows.hit_all(window))


def test_counting_in_each_counts_up_to_the_first_that_is_full(storage_uri: str):
    windows = MovingWindows(storage_uri, timeout=5.0)

    assert [windows.hit_each(WIDE, NARROW) for _ in range(4)] == [None, None, NARROW, NARROW]
    assert windows.hit_each(NARROW, WIDE) == NARROW
    assert room(windows, WIDE) == 1
    assert 55 < windows.resets_in(NARROW) <= 60


def test_counting_in_all_counts_in_none_if_one_is_full(storage_uri: str):
    windows = MovingWindows(storage_uri, timeout=5.0)

    assert [windows.hit_all(WIDE, NARROW) for _ in range(4)] == [True, True, False, False]
    assert room(windows, WIDE) == 3


def test_threads_that_count_in_all_at_once_count_in_none_where_one_is_full(storage_uri: str):
    """Whatever is let through has counted in both windows, and nothing else has."""
    windows = MovingWindows(storage_uri, timeout=5.0)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for number in range(300):
                wide, narrow = (Window(each.item, (str(number), *each.name)) for each in (WIDE, NARROW))
                let_through = [threads.submit(windows.hit_all, wide, narrow) for _ in range(4)]
                assert sum(each.result() for each in let_through) == 2
                assert room(windows, wide) == 3
    finally:
        sys.setswitchinterval(usual)


def test_every_name_has_windows_of_its_own(storage_uri: str):
    windows = MovingWindows(storage_uri, timeout=5.0)
    room(windows, NARROW)

    assert room(windows, Window(NARROW.item, ("other", "narrow"))) == 2


def test_what_the_library_counts_in_redis_is_counted_here_and_the_other_way_round(redis_url: str):
    """Versions that serve side by side during a deployment share one limit."""
    windows, library = (
        MovingWindows(redis_url, timeout=5.0),
        MovingWindowRateLimiter(storage_from_string(redis_url)),
    )

    assert windows.hit_all(NARROW)
    assert library.hit(NARROW.item, *NARROW.name)
    assert not windows.hit_all(NARROW)
    assert not library.hit(NARROW.item, *NARROW.name)


def test_a_clock_that_is_set_back_closes_no_window(monkeypatch: pytest.MonkeyPatch):
    windows = MovingWindows("memory://", timeout=5.0)
    short = Window(parse("5/second"), ("one",))
    assert room(windows, short) == 5
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)

    assert room(windows, short) == 5
    assert room(windows, short) == 0


def test_a_storage_that_is_unreachable_raises(own_redis: RedisServer):
    windows = MovingWindows(own_redis.url(), timeout=0.25)
    own_redis.kill()

    for ask in (windows.hit_all, windows.hit_each):
        with pytest.raises(StorageError):
            ask(NARROW)
