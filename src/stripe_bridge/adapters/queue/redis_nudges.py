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
# In seconds, for a connection and for each answer. While Redis is in trouble, a request waits for one of these.
_TIMEOUT = 0.25
CIRCUIT_OPEN_SECONDS = 5.0
# During a burst of webhooks, one message is sent per interval, instead of a round trip to Redis for each webhook.
_GATHER_SECONDS = 0.02


def redis_broker(url: str) -> RedisBroker:
    """A broker that connects when it is first used.

    It has none of dramatiq's middleware: jobs have no time limit, and what a job could not do is not retried by message but
    found by the next sweep.
    """
    client = redis.Redis.from_url(url, socket_connect_timeout=_TIMEOUT, socket_timeout=_TIMEOUT)
    return RedisBroker(client=client, middleware=[])  # type: ignore[no-untyped-call]  # dramatiq has no types there


class DramatiqNudges:
    """Sends by the actor's name; each actor has a queue of the same name.

    A burst of webhooks would make as many messages, where one is enough. So nothing is sent while a message is waiting in the
    queue's list: the worker that fetches it starts the job afterwards, and so sees everything that was committed before the
    nudge. A message that a worker has already fetched does not count, since its job may have looked already. Two nudges at
    the same time may both find the list empty; the second job then finds nothing to do. Since the list itself is asked, there
    is no flag that could outlive its message, and without any worker a single message waits.

    Redis is not even asked for each nudge: the first one is sent at once, and those that follow within a moment become one
    more message at the end of that moment, sent from a thread of its own, like those that are only due `soon`.

    After a failure Redis is not asked for `rest_seconds`, so that only one request waits for it and the log does not fill up.
    """

    def __init__(self, broker: RedisBroker, *, rest_seconds: float = CIRCUIT_OPEN_SECONDS) -> None:
        self._broker, self._rest_seconds = broker, rest_seconds
        self._rests_until = 0.0
        self._mutex = threading.Lock()
        self._gathers_until: dict[str, float] = {}
        self._gathered: set[str] = set()
        # When the process exits, it waits for what this executor is doing.
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
            # One is about to be sent, and the job that it starts will see what this one is about.
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
        # Do this before sending: a later nudge may be about something that the worker will not see.
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
