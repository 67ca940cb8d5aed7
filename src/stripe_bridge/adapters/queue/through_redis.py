"""Nudges as dramatiq messages in Redis, for workers in other processes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import redis
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from stripe_bridge.adapters.queue.jobs import DRAIN_INBOX, SETTLE_INTENTS
from stripe_bridge.ports.nudges import BrokerUnavailable

_log = logging.getLogger(__name__)
# In seconds, for a connection and for each answer: while Redis is sick, a request waits for one of them.
_TIMEOUT = 0.25
_REST_SECONDS = 5.0
# A burst of webhooks is one message in so long, and not a turn to Redis for each.
_GATHER_SECONDS = 0.02


def redis_broker(url: str) -> RedisBroker:
    """A broker that connects when it is first used.

    It has none of dramatiq's middleware: a job has no time limit, and what it could not do is not retried by message but
    found by the next sweep.
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=_TIMEOUT, socket_timeout=_TIMEOUT)
    return RedisBroker(client=client, middleware=[])  # type: ignore[no-untyped-call]  # dramatiq has no types there


class DramatiqNudges:
    """Sends by the actor's name; each actor has a queue of the same name.

    A burst of webhooks would make as many messages, of which one is enough. So nothing is sent while a message waits in
    the queue's list: a worker that fetches it begins the job after that, and so sees whatever was committed before the
    nudge. A message that a worker has fetched proves nothing, as its job may have looked already, and does not count. Two
    nudges at once may both find the list empty; the second job then finds nothing to do. As the list itself is asked, there
    is no mark that could outlive the message it stands for, and without any worker one message waits.

    Redis is not even asked for each: the first nudge goes at once, and those that come within a moment of it are one more
    at the end of that moment, from a thread of its own, as those that have to go soon do.

    After a failure Redis is left alone for `rest_seconds`: no request but one waits for it, and the log is not filled.
    """

    def __init__(self, broker: RedisBroker, *, rest_seconds: float = _REST_SECONDS) -> None:
        self._broker, self._rest_seconds = broker, rest_seconds
        self._rests_until = 0.0
        self._mutex = threading.Lock()
        self._gathers_until: dict[str, float] = {}
        self._gathered: set[str] = set()
        # Whoever leaves the process waits for what it has in hand.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="nudges")

    def inbox(self, *, soon: bool = False) -> None:
        self._send(DRAIN_INBOX, soon=soon)

    def intents(self) -> None:
        self._send(SETTLE_INTENTS)

    def depths(self) -> Mapping[str, int]:
        try:
            return {job: self._length(job) for job in (DRAIN_INBOX, SETTLE_INTENTS)}
        except redis.RedisError as error:
            raise BrokerUnavailable from error

    def check(self) -> None:
        try:
            self._broker.client.ping()
        except redis.RedisError as error:
            raise BrokerUnavailable from error

    def _send(self, job: str, *, soon: bool = False) -> None:
        if job in self._gathered:
            # It is about to be sent, and whoever then looks sees what this one is about.
            return
        now = time.monotonic()
        with self._mutex:
            if now < self._rests_until or job in self._gathered:
                return
            moment = self._gathers_until.get(job, 0.0) - now
            if soon or moment > 0:
                self._gathered.add(job)
                self._sender.submit(self._send_gathered, job, max(0.0, moment))
                return
            self._gathers_until[job] = now + _GATHER_SECONDS
        self._enqueue(job)

    def _send_gathered(self, job: str, moment: float) -> None:
        time.sleep(moment)
        # Before it is sent: a nudge from here on may be about what the worker will not see.
        with self._mutex:
            self._gathered.discard(job)
            self._gathers_until[job] = time.monotonic() + _GATHER_SECONDS
        self._enqueue(job)

    def _enqueue(self, job: str) -> None:
        try:
            if not self._length(job):
                self._broker.enqueue(Message(queue_name=job, actor_name=job, args=(), kwargs={}, options={}))
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + self._rest_seconds
            _log.warning(
                "nudge not sent: the workers' next sweep finds the work", extra={"reason": str(error)}
            )

    def _length(self, job: str) -> int:
        length: int = self._broker.client.llen(f"{self._broker.namespace}:{job}")
        return length
