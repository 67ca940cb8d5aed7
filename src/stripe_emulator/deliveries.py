"""Sending events to webhook endpoints: signed, in the background, with retries."""

import contextlib
import heapq
import itertools
import json
import secrets
import threading
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import requests
from stripe import WebhookSignature

from stripe_emulator.errors import EmulatorClosed, Json
from stripe_emulator.settings import Settings
from stripe_emulator.snapshots import payload
from stripe_emulator.store import Record, Store
from stripe_emulator.transaction import PLATFORM, Transaction

GRACE = 0.5  # seconds that a delivery under way gets to finish when the emulator stops


class Host(Protocol):
    """What delivering needs from the emulator."""

    settings: Settings
    store: Store
    lock: threading.RLock

    def clock(self) -> float:
        """The emulator's time, which may be ahead of the real one."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Change the state."""


@dataclass(frozen=True)
class Delivery:
    """One request to make."""

    url: str
    payload: str
    secret: str


class Deliverer:
    """Threads that make the deliveries when they are due. They start with the first delivery."""

    def __init__(self, emulator: Host) -> None:
        self._emulator = emulator
        self._wake = threading.Condition()
        self._queue: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._tried = threading.Condition()

    def schedule(self, delivery: Record) -> None:
        """Send a delivery when it is due."""
        wait = max(0.0, delivery.body["due_at"] - self._emulator.clock())
        with self._wake:
            heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), delivery.id))
            self._start_threads()
            self._wake.notify()

    def resume(self) -> None:
        """Schedule what an earlier process left unfinished."""
        for delivery in self._emulator.store.all("deliveries"):
            if delivery.body["status"] == "pending":
                self.schedule(delivery)

    def advance(self, seconds: float) -> None:
        """Bring all waiting deliveries that much closer."""
        with self._wake:
            self._queue = [(due - seconds, order, delivery) for due, order, delivery in self._queue]
            self._wake.notify_all()

    def clear(self) -> None:
        """Drop all waiting deliveries."""
        with self._wake:
            self._queue.clear()

    def wait_until_done(self, timeout: float) -> list[Record]:
        """Wait until no delivery is left to try, at most so many seconds; returns those that are."""
        with self._tried:
            self._tried.wait_for(lambda: not self._pending(), timeout)
        return self._pending()

    def _pending(self) -> list[Record]:
        with self._emulator.lock:
            found = self._emulator.store.all("deliveries")
            return [delivery for delivery in found if delivery.body["status"] == "pending"]

    def stop(self) -> None:
        """End the threads. A delivery under way gets a moment to finish, or else is sent again after a restart."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join(GRACE)

    def _start_threads(self) -> None:
        if not self._threads:
            for number in range(self._emulator.settings.delivery_threads):
                name = f"emulator-delivery-{number}"
                self._threads.append(threading.Thread(target=self._work, name=name, daemon=True))
            for thread in self._threads:
                thread.start()

    def _work(self) -> None:
        with _session() as session, contextlib.suppress(EmulatorClosed):
            while (delivery_id := self._next_due()) is not None:
                self._attempt(session, delivery_id)

    def _next_due(self) -> str | None:
        with self._wake:
            while not self._stopped:
                if not self._queue:
                    self._wake.wait()
                    continue
                wait = self._queue[0][0] - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._queue)[2]
                self._wake.wait(wait)
        return None

    def deliver_now(self, delivery_ids: list[str]) -> None:
        """Try these deliveries one after the other, in that order; returns once each was tried."""
        with _session() as session:
            for delivery_id in delivery_ids:
                self._attempt(session, delivery_id)

    def _attempt(self, session: requests.Session, delivery_id: str) -> None:
        self._send(session, delivery_id)
        with self._tried:
            self._tried.notify_all()

    def _send(self, session: requests.Session, delivery_id: str) -> None:
        outgoing = self._prepare(delivery_id)
        if outgoing is None:
            return
        # Every attempt gets a fresh time and signature, or receivers would refuse late attempts as replayed. It is the
        # real time even if the emulator's clock was moved, because a receiver compares it with its own.
        signature = WebhookSignature.generate_signature_header(
            outgoing.payload, outgoing.secret, int(time.time())
        )
        # In test mode Stripe adds a signature of a scheme that cannot be verified, to see that receivers ignore it.
        signature += f",v0={secrets.token_hex(32)}"
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
        attempt: Json = {"at": self._emulator.clock(), "status": None, "error": None}
        try:
            answer = session.post(
                outgoing.url,
                outgoing.payload.encode(),
                headers=headers | {"User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"},
                timeout=self._emulator.settings.delivery_timeout,
                allow_redirects=False,
            )
            attempt["status"] = answer.status_code
        except requests.RequestException as error:
            attempt["error"] = type(error).__name__
        self._conclude(delivery_id, attempt)

    def _prepare(self, delivery_id: str) -> Delivery | None:
        """What to send, or None if it no longer has to be sent."""
        with self._emulator.transaction() as tx:
            delivery = tx.store.find("deliveries", delivery_id)
            if delivery is None or delivery.body["status"] not in ("pending", "held"):
                return None
            event = tx.store.find("events", delivery.body["event"])
            endpoint = tx.store.find("webhook_endpoints", delivery.body["endpoint"])
            if event is None or endpoint is None or endpoint.body["status"] != "enabled":
                tx.edit(delivery)["status"] = "canceled"
                return None
            sent = payload(tx.store, event, delivery.body.get("api_version"))
            if endpoint.account == event.account != PLATFORM:
                # An account's own endpoint gets its events without the `account` field.
                sent.pop("account", None)
            return Delivery(endpoint.body["url"], json.dumps(sent, indent=2), endpoint.hidden["secret"])

    def _conclude(self, delivery_id: str, attempt: Json) -> None:
        """Record how an attempt went, and schedule the next one after a failure."""
        settings = self._emulator.settings
        with self._emulator.transaction() as tx:
            delivery = tx.store.find("deliveries", delivery_id)
            if delivery is None:
                return
            body = tx.edit(delivery)
            body["attempts"].append(attempt)
            tries = len(body["attempts"])
            if attempt["status"] is not None and 200 <= attempt["status"] < 300:
                body["status"] = "delivered"
                self._settle_event(tx, body["event"])
            elif tries >= settings.retry_attempts:
                body["status"] = "failed"
            else:
                body["status"] = "pending"
                wait = min(settings.retry_cap, settings.retry_base * 2 ** (tries - 1))
                body["due_at"] = self._emulator.clock() + wait
        if body["status"] == "pending":
            self.schedule(delivery)

    @staticmethod
    def _settle_event(tx: Transaction, event_id: str) -> None:
        event = tx.store.find("events", event_id)
        if event is not None:
            waiting = {one.body["endpoint"] for one in tx.store.where("deliveries", "event", event_id)}
            done = {
                one.body["endpoint"]
                for one in tx.store.where("deliveries", "event", event_id)
                if one.body["status"] == "delivered"
            }
            tx.edit(event)["pending_webhooks"] = len(waiting - done)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy between the emulator and a receiver on the same machine
    return session
