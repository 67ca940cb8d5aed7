"""Nudges as dramatiq messages in Redis, for workers in other processes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import redis
from dramatiq import Broker, Message
from dramatiq.brokers.redis import RedisBroker

from stripe_bridge.adapters.queue.jobs import DRAIN_INBOX, SETTLE_INTENTS
from stripe_bridge.ports.nudges import BrokerUnavailable

__all__ = ["Broker", "DramatiqNudges", "redis_broker"]
_log = logging.getLogger(__name__)
# In seconds, for a connection and for each answer. While Redis is in trouble, a request waits for one of these.
_TIMEOUT = 0.25
CIRCUIT_OPEN_SECONDS = 5.0
# During a burst of webhooks, one message is sent per this many seconds, instead of a round trip to Redis for each webhook.
DEBOUNCE_SECONDS = 0.02


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
    more message at the end of that moment, sent from a thread of its own, like those that are `deferred`.

    After a failure Redis is not asked for `circuit_open_seconds`, so that only one request waits for it and the log does not
    fill up.
    """

    def __init__(self, broker: RedisBroker, *, circuit_open_seconds: float = CIRCUIT_OPEN_SECONDS) -> None:
        self._broker, self._circuit_open_seconds = broker, circuit_open_seconds
        self._circuit_open_until = 0.0
        self._mutex = threading.Lock()
        self._debounced_until: dict[str, float] = {}
        self._debounced: set[str] = set()
        # When the process exits, it waits for what this executor is doing.
        self._sender = ThreadPoolExecutor(1, thread_name_prefix="nudges")

    def inbox(self, *, deferred: bool = False) -> None:
        self._send(DRAIN_INBOX, deferred=deferred)

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

    def _send(self, job: str, *, deferred: bool = False) -> None:
        if job in self._debounced:
            # One is about to be sent, and the job that it starts will see what this one is about.
            return
        now = time.monotonic()
        with self._mutex:
            if now < self._circuit_open_until or job in self._debounced:
                return
            delay = self._debounced_until.get(job, 0.0) - now
            if deferred or delay > 0:
                self._debounced.add(job)
                self._sender.submit(self._send_debounced, job, max(0.0, delay))
                return
            self._debounced_until[job] = now + DEBOUNCE_SECONDS
        self._enqueue(job)

    def _send_debounced(self, job: str, delay: float) -> None:
        time.sleep(delay)
        # Do this before sending: a later nudge may be about something that the worker will not see.
        with self._mutex:
            self._debounced.discard(job)
            self._debounced_until[job] = time.monotonic() + DEBOUNCE_SECONDS
        self._enqueue(job)

    def _enqueue(self, job: str) -> None:
        try:
            if not self._length(job):
                self._broker.enqueue(Message(queue_name=job, actor_name=job, args=(), kwargs={}, options={}))
        except redis.RedisError as error:
            self._circuit_open_until = time.monotonic() + self._circuit_open_seconds
            # The workers' next sweep finds the work.
            _log.warning("nudge not sent", extra={"reason": str(error)})

    def _length(self, job: str) -> int:
        length: int = self._broker.client.llen(f"{self._broker.namespace}:{job}")
        return length
