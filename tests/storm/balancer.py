"""A load balancer: it gives each connection to the next host that takes it within a second."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from typing import Self

_CONNECT_TIMEOUT = 1.0
_AT_ONCE = 65_536


class Balancer:
    """Listens on a loopback port. The targets are (address, port)."""

    def __init__(self, port: int, targets: Sequence[tuple[str, int]]) -> None:
        self._port, self._count = port, len(targets)
        self._next = cycle(targets)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", self._port)
        asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):
            for _ in range(self._count):
                with suppress(OSError, TimeoutError):
                    taken = asyncio.open_connection(*next(self._next))
                    upstream, downstream = await asyncio.wait_for(taken, _CONNECT_TIMEOUT)
                    await _pass_on((reader, downstream), (upstream, writer))
                    return
        writer.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _pass_on(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Until one of the two ends its connection."""
    tasks = [asyncio.create_task(_copy(*way)) for way in ways]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for _, writer in ways:
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_AT_ONCE):
            writer.write(data)
            await writer.drain()
