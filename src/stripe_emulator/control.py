"""The control API: what tests and people can see and do outside of Stripe's own API."""

from typing import Any

from stripe_emulator.connecting import disconnect
from stripe_emulator.dashboard import Dashboard, find
from stripe_emulator.errors import Json, invalid, no_such
from stripe_emulator.hosted_links import fresh
from stripe_emulator.resources.accounts import change_account, make_account
from stripe_emulator.snapshots import version_for, version_of
from stripe_emulator.store import Record, clone
from stripe_emulator.transaction import delivery_of
from stripe_emulator.versions import CURRENT, check_version

LONGEST_ADVANCE = 10 * 366 * 24 * 3600

# The kinds of objects that are worth seeing and not secret.
KINDS = (
    "accounts",
    "charges",
    "checkout_sessions",
    "connections",
    "credit_notes",
    "customer_balance_transactions",
    "customers",
    "deliveries",
    "disputes",
    "events",
    "invoice_payments",
    "invoices",
    "payment_intents",
    "refunds",
    "webhook_endpoints",
)


class Control(Dashboard):
    """The control API, as used in the same process and by `/_emulator`."""

    def objects(self, kind: str) -> list[Json]:
        """All objects of a kind in order of creation, each with its account."""
        if kind not in KINDS:
            raise no_such("kind of object", kind, "kind")
        with self._emulator.lock:
            return [self._shown(record) for record in self._emulator.store.all(kind)]

    def _shown(self, record: Record) -> Json:
        shown = {**clone(fresh(record.body, self._emulator.now())), "account": record.account}
        store = self._emulator.store
        if record.kind == "accounts":
            keys = [key.id for key in store.newest_first("secret_keys", record.id)]
            is_connected = store.find("connections", f"connection_{record.id}") is not None
            shown |= {"secret_key": keys[0] if keys else None, "connected": is_connected}
            shown["api_version"] = version_of(store, record.id)
        if record.kind == "webhook_endpoints":
            shown["connect"] = record.hidden["connect"]
        return shown

    def create_account(
        self,
        name: str = "Merchant",
        country: str = "US",
        connected: bool = False,
        api_version: str = CURRENT,
    ) -> Json:
        """A new, fully enabled account; `connected` connects it without OAuth, `api_version` is its default version."""
        check_version(api_version)
        with self._emulator.transaction() as tx:
            account = make_account(tx, name=name, country=country, api_version=api_version)
            if connected:
                details = {"id": f"connection_{account.id}", "created": tx.now}
                tx.insert("connections", account.id, details, {"code": None, "scope": "read_write"})
        return self._shown(account)

    def change_account(self, account: str, changes: Json) -> Json:
        """Change what Stripe or the merchant decides about an account, such as `charges_enabled`."""
        with self._emulator.transaction() as tx:
            record = find(tx, "accounts", "account", account)
            change_account(tx, record, changes)
            return clone(record.body)

    def set_api_version(self, account: str, api_version: str) -> Json:
        """The merchant, or the platform, upgrades the default version; events from now on are listed in it."""
        check_version(api_version)
        with self._emulator.transaction() as tx:
            record = find(tx, "accounts", "account", account)
            tx.edit(record)
            record.hidden["api_version"] = api_version
        return self._shown(record)

    def revoke(self, account: str) -> Json:
        """The merchant revokes the platform's access, in the dashboard."""
        with self._emulator.transaction() as tx:
            disconnect(tx, find(tx, "accounts", "account", account).id)
        return {"account": account, "connected": False}

    def redeliver(self, event: str) -> list[Json]:
        """Send an event once more to every endpoint that listens for it."""
        with self._emulator.transaction() as tx:
            record = find(tx, "events", "event", event)
            made = []
            for endpoint in tx.endpoints_for(record.account, record.body["type"]):
                version = version_for(tx.store, endpoint)
                body = delivery_of(record.body, endpoint, version, "pending", tx.time)
                made.append(tx.insert("deliveries", record.account, body))
        return [clone(delivery.body) for delivery in made]

    def release(self, order: list[str] | None = None) -> list[Json]:
        """Send deliveries that are held, one after the other: those of these event or delivery ids in their order, or all.

        Returns once each was tried; those that failed are tried again later, as usual.
        """
        with self._emulator.lock:
            held = [one for one in self._emulator.store.all("deliveries") if one.body["status"] == "held"]
            if order is None:
                chosen = held
            else:
                chosen = [one for wanted in order for one in held if wanted in (one.id, one.body["event"])]
        self._emulator.deliverer.deliver_now([one.id for one in chosen])
        with self._emulator.lock:
            return [clone(one.body) for one in chosen]

    def wait_for_deliveries(self, timeout: float = 10.0) -> list[Json]:
        """Wait until every delivery has arrived or was given up, and return all of them.

        Raises TimeoutError if some are still to be tried by then: in a test, the receiver refuses them.
        """
        waiting = self._emulator.deliverer.wait_until_done(timeout)
        if waiting:
            tries = [f"{one.body['type']} to {one.body['url']}" for one in waiting]
            raise TimeoutError(f"After {timeout:g} s these are not delivered: {', '.join(tries)}")
        return self.objects("deliveries")

    def clock(self) -> Json:
        """The emulator's time, and by how many seconds it is ahead of the real one."""
        with self._emulator.lock:
            return {"now": self._emulator.now(), "advanced_seconds": self._emulator.advanced}

    def advance_clock(self, advance_seconds: int) -> Json:
        """Let time pass, with what Stripe does meanwhile."""
        if not 0 <= advance_seconds <= LONGEST_ADVANCE:
            raise invalid(
                f"advance_seconds must be a whole number from 0 to {LONGEST_ADVANCE}: the clock does not go back.",
                "advance_seconds",
            )
        self._emulator.advance(advance_seconds)
        return self.clock()

    def misbehave(self, setting: Any) -> Json:
        """Replace the misbehavior in force; `{}` ends it."""
        with self._emulator.lock:
            self._emulator.misbehavior.replace(setting, self._emulator.now())
            return self.misbehavior()

    def misbehavior(self) -> Json:
        """The setting in force, and how many calls each rule has matched."""
        with self._emulator.lock:
            misbehavior = self._emulator.misbehavior
            return {"setting": misbehavior.setting, "seen": [rule.seen for rule in misbehavior.rules]}

    def reset(self) -> None:
        """Remove everything except the platform."""
        self._emulator.reset()
