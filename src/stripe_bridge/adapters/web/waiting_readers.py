"""Readers of the feed that wait for a change: in the event loop, so that a thousand of them need no thread.

One watcher asks for the ends of all logs that are waited for, in one statement, as long as anyone waits: five times a second,
and at once when this process has recorded something. Whoever has waited is then served anew, with everything that this takes:
credential and role are checked again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TypeVar

from stripe_bridge.ports.committed_changes import CommittedChanges
from stripe_bridge.use_cases.changes.feed import FeedQuery

_log = logging.getLogger(__name__)
WAITING_READERS = "stripe_bridge.waiting_readers"
"""The key in a request's environ for the WaitingReaders of its event loop; missing under other servers."""
MOST, MOST_OF_TOKEN = 2000, 50
# In seconds.
POLL = 0.2
# Changes that are committed in quick succession are looked at together.
_PAUSE = 0.02
_SECONDS_BETWEEN_REPORTS = 10.0
FindHeads = Callable[[Collection[str]], Mapping[str, int]]
SkipForeign = Callable[[FeedQuery], tuple[int, bool]]
T = TypeVar("T")


@dataclass(eq=False, slots=True, kw_only=True)
class WaitingReader:
    """A place among those that wait. `deadline` is by `time.monotonic`; up to `query.after` there is nothing to read."""

    readers: WaitingReaders
    token_id: str
    query: FeedQuery
    deadline: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    has_left: bool = False

    async def over(self) -> None:
        """Wait until there is something to read, the time is up, or nobody may wait any longer."""
        await self.readers.wait(self)

    def end(self) -> None:
        """Give the place back."""
        self.readers.leave(self)


class WaitingReaders:
    """Those of one event loop: at most `most`, and `most_of_token` for each token."""

    def __init__(
        self,
        find_heads: FindHeads,
        skip_foreign: SkipForeign,
        committed: CommittedChanges,
        *,
        most: int = MOST,
        most_of_token: int = MOST_OF_TOKEN,
        poll: float = POLL,
    ) -> None:
        self._find_heads, self._skip_foreign = find_heads, skip_foreign
        self._most, self._most_of_token = most, most_of_token
        self._mutex = Lock()
        self._poll = poll
        self._taken = 0
        self._by_token: Counter[str] = Counter()
        self._waiting: set[WaitingReader] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._nudged = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="changes")
        self._is_closing = self._is_failing = False
        self._reported_at = -_SECONDS_BETWEEN_REPORTS
        committed.listen(self._nudge)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def admit(self, token_id: str, query: FeedQuery, seconds: float) -> WaitingReader | None:
        """A place; None if there is none. Call it from any thread."""
        with self._mutex:
            is_full = self._taken >= self._most or self._by_token[token_id] >= self._most_of_token
            if is_full:
                self._report_full(token_id)
            if is_full or self._is_closing:
                return None
            self._taken += 1
            self._by_token[token_id] += 1
        return WaitingReader(
            readers=self, token_id=token_id, query=query, deadline=time.monotonic() + seconds
        )

    def _report_full(self, token_id: str) -> None:
        """Log at intervals and not for each one: whoever is refused comes back every few seconds."""
        now = time.monotonic()
        if now - self._reported_at >= _SECONDS_BETWEEN_REPORTS:
            self._reported_at = now
            _log.warning(
                "readers that wait for changes at their limit",
                extra={"waiting": self._taken, "of_token": self._by_token[token_id], "token_id": token_id},
            )

    def leave(self, reader: WaitingReader) -> None:
        with self._mutex:
            if not reader.has_left:
                reader.has_left = True
                self._taken -= 1
                self._by_token[reader.token_id] -= 1
                if not self._by_token[reader.token_id]:
                    del self._by_token[reader.token_id]

    async def wait(self, reader: WaitingReader) -> None:
        """Until there is something to read, or the reader's time is over."""
        if self._is_closing:
            return
        self._waiting.add(reader)
        self._watch()
        try:
            async with asyncio.timeout_at(self._now() + reader.deadline - time.monotonic()):
                await reader.woken.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(reader)

    def dismiss(self) -> None:
        """Nobody waits any longer, or from now on: the process is about to end."""
        self._is_closing = True
        self._nudged.set()
        for reader in self._waiting:
            reader.woken.set()

    def close(self) -> None:
        self.dismiss()
        self._thread.shutdown()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _watch(self) -> None:
        """Watch the logs until nobody waits any more."""
        if self._watcher is None or self._watcher.done():
            self._loop = asyncio.get_running_loop()
            self._nudged = asyncio.Event()
            self._watcher = self._loop.create_task(self._keep_looking())

    async def _keep_looking(self) -> None:
        """Soon after something was recorded here, and otherwise at intervals: others record, too."""
        while self._waiting and not self._is_closing:
            await self._look()
            try:
                async with asyncio.timeout(self._poll):
                    await self._nudged.wait()
                await asyncio.sleep(_PAUSE)
            except TimeoutError:
                pass
            self._nudged.clear()

    def _nudge(self, _last: Mapping[str, int]) -> None:
        """Something was recorded here. From any thread."""
        loop = self._loop
        if self._waiting and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._nudged.set)

    async def _look(self) -> None:
        """Wake whoever has something to read. While the database does not answer, everybody goes on waiting."""
        try:
            heads = await self._in_thread(self._find_heads, {each.query.tenant_id for each in self._waiting})
            for query, readers in self._behind(heads).items():
                after, is_found = query.after, True
                if query.is_filtered:
                    after, is_found = await self._in_thread(self._skip_foreign, query)
                for reader in readers:
                    if is_found:
                        reader.woken.set()
                    reader.query = replace(query, after=after)
            self._is_failing = False
        except Exception as error:
            if not self._is_failing:
                _log.warning("changes are not watched", extra={"reason": str(error)}, exc_info=error)
            self._is_failing = True

    def _behind(self, heads: Mapping[str, int]) -> Mapping[FeedQuery, list[WaitingReader]]:
        """Who has not seen the end of the log, by what is asked for: mostly many ask for the same."""
        behind: dict[FeedQuery, list[WaitingReader]] = defaultdict(list)
        for reader in self._waiting:
            # One that is new has to be looked up first.
            if heads.get(reader.query.tenant_id, reader.query.after) != reader.query.after:
                behind[replace(reader.query, limit=1)].append(reader)
        return behind

    async def _in_thread(self, find: Callable[..., T], *asked: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, find, *asked)
