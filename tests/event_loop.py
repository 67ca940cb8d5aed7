"""An event loop in a thread of its own, for tests that do not run in one."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from stripe_bridge.domain.webhook_event import WebhookEvent

Result = TypeVar("Result")
Receive = Callable[[WebhookEvent], bool]


class EventLoop:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run it; returns what it returns, or raises what it raises. Call it from any other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


@contextmanager
def an_event_loop() -> Iterator[EventLoop]:
    here = EventLoop()
    thread = threading.Thread(target=here.loop.run_forever)
    thread.start()
    try:
        yield here
    finally:
        here.loop.call_soon_threadsafe(here.loop.stop)
        thread.join()
        here.loop.close()
