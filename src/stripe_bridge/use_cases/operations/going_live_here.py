"""What is checked here before going live: settings, database, keys, backups, workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from stripe_bridge.domain.clock_skew import REMEDY, describe_skew
from stripe_bridge.domain.going_live import Check
from stripe_bridge.domain.receiver import PLATFORM_KINDS
from stripe_bridge.ports.storage.unit_of_work import Store
from stripe_bridge.ports.system import Clock
from stripe_bridge.use_cases.operations.readiness import REMEDIES, CheckReadiness
from stripe_bridge.use_cases.receivers.encryption_key import EncryptionKey

# Daily ones, with some room.
_OLDEST_BACKUP = timedelta(hours=26)
# Workers look after the endpoints that often; one run may be late.
_RUNS_UNTIL_SILENT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the settings say that matters here."""

    is_one_file: bool
    has_redis: bool
    is_watched: bool
    payload_days: int
    object_days: int
    reconcile_every: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What only an operator can show; None is not shown."""

    are_keys_kept: bool | None = None
    newest_backup: datetime | None = None


class CheckHere:
    def __init__(
        self, store: Store, clock: Clock, check_readiness: CheckReadiness, key: EncryptionKey, setup: Setup
    ) -> None:
        self._store, self._clock, self._check_readiness = store, clock, check_readiness
        self._key, self._setup = key, setup

    def __call__(self, evidence: Evidence) -> Iterator[Check]:
        """Without a usable database, only that."""
        faults = self._check_readiness().faults
        yield self._database(faults["database"])
        if faults["database"] is not None:
            return
        yield self._queue(faults["queue"])
        yield self._worker()
        yield self._clock_here()
        yield self._encryption_key()
        yield self._kept_keys(evidence)
        yield self._backup(evidence)
        yield self._retention()
        yield self._watching()

    def _database(self, fault: str | None) -> Check:
        if fault is not None:
            return Check.fail("database", fault, REMEDIES["database"])
        what = "answers, can be written to, and has the schema of this release"
        if self._setup.is_one_file:
            what += "; SQLite: one machine, and as safe as its disk"
        return Check.ok("database", what)

    def _queue(self, fault: str | None) -> Check:
        if fault is not None:
            return Check.fail("queue", fault, REMEDIES["queue"])
        if self._setup.has_redis:
            return Check.ok("queue", "Redis answers")
        return Check.warn(
            "queue",
            "no REDIS_URL: the web process is also the worker, and counts rate limits by itself",
            "run only one web process, or set REDIS_URL for all of them",
        )

    def _worker(self) -> Check:
        """Workers leave no sign of life but their work, and this is work that they do even if there is nothing else."""
        every = self._setup.reconcile_every
        if not every:
            what = "RECONCILE_SECONDS is 0: nothing fetches events that webhooks have missed"
            return Check.warn("worker", what, "run this at least every 25 days: stripe-bridge reconcile")
        with self._store.reading() as work:
            checked = [receiver.checked_at for receiver in work.receivers.of_kinds(PLATFORM_KINDS)]
        if not checked:
            what = "not known: workers show that they are running by checking endpoints, and there are none"
            return Check.warn("worker", what, "stripe-bridge receivers register, then check again")
        minutes = (self._clock.now() - max(checked)) // timedelta(minutes=1)
        rhythm = f"and workers do it every {every // timedelta(minutes=1)} minutes"
        if self._clock.now() - min(checked) > every * _RUNS_UNTIL_SILENT:
            what = f"the endpoints were last checked {minutes} minutes ago, {rhythm}: is one running?"
            return Check.fail(
                "worker", what, "stripe-bridge worker; without REDIS_URL, start the web process"
            )
        return Check.ok("worker", f"the endpoints were checked {minutes} minutes ago, {rhythm}")

    def _clock_here(self) -> Check:
        if (what := describe_skew(self._clock.skew())) is not None:
            return Check.fail("clock", f"{what}, going by the database", REMEDY)
        return Check.ok("clock", "agrees with the database's")

    def _encryption_key(self) -> Check:
        status = self._key.status()
        if status.is_wrong:
            remedy = "put the key that the service uses into ENCRYPTION_KEYS"
            return Check.fail("encryption key", status.problem, remedy)
        return Check.ok("encryption key", f"opens what is stored; its fingerprint is {status.own[0]}")

    def _kept_keys(self, evidence: Evidence) -> Check:
        if evidence.are_keys_kept is None:
            return Check.warn(
                "kept keys",
                "whether ENCRYPTION_KEYS is kept anywhere else cannot be seen from here",
                "fetch the copy, then: stripe-bridge doctor --before-going-live --kept-keys FILE",
            )
        if not evidence.are_keys_kept:
            return Check.fail(
                "kept keys",
                "the kept copy lacks a key of ENCRYPTION_KEYS: no backup could be used with it",
                "keep all of ENCRYPTION_KEYS, apart from the backups",
            )
        return Check.ok("kept keys", "every key of ENCRYPTION_KEYS is kept")

    def _backup(self, evidence: Evidence) -> Check:
        if evidence.newest_backup is None:
            return Check.warn(
                "backups",
                "whether there are any cannot be seen from here",
                "stripe-bridge doctor --before-going-live --backups FOLDER; and restore one, once",
            )
        hours = (self._clock.now() - evidence.newest_backup) // timedelta(hours=1)
        if self._clock.now() - evidence.newest_backup > _OLDEST_BACKUP:
            return Check.fail("backups", f"the newest is {hours} hours old", "make one at least every day")
        return Check.ok("backups", f"the newest is {hours} hours old")

    def _retention(self) -> Check:
        days = {"EVENT_PAYLOAD_DAYS": self._setup.payload_days, "CHANGE_OBJECT_DAYS": self._setup.object_days}
        shown = ", ".join(f"{name}={number}" for name, number in days.items())
        if 0 in days.values():
            what = f"{shown}: 0 keeps personal data forever"
            return Check.warn("retention", what, "set it to the number of days that you may keep it")
        return Check.ok("retention", f"{shown}: older personal data is deleted")

    def _watching(self) -> Check:
        if not self._setup.is_watched:
            what = "METRICS_TOKEN is not set: nobody can read the metrics, and no alert will fire"
            return Check.warn("metrics", what, "set METRICS_TOKEN, and load deploy/alerts.yml")
        return Check.ok("metrics", "/metrics can be read; deploy/alerts.yml has the alerts")
