"""The key that the stored secrets are sealed with, compared with the keys that this process has.

A process with another key could do harm: it would take every secret for lost, create new endpoints, and seal secrets that
the others cannot open.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from stripe_bridge.domain.receiver import ReceiverKind
from stripe_bridge.domain.recovery import SigningKey
from stripe_bridge.ports.storage.unit_of_work import Store, StoreUnavailable, UnitOfWork
from stripe_bridge.ports.system import Clock
from stripe_bridge.ports.vault import Vault, WrongEncryptionKey, can_open

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """`in_use` is the fingerprint kept with the data, None if there is none yet; `own` are those of this process's keys.

    `unreadable` is how many secrets are stored if none of them can be opened, and 0 if any can.
    """

    in_use: str | None
    own: tuple[str, ...]
    unreadable: int

    @property
    def is_foreign(self) -> bool:
        """Whether this process has other keys than the one in use; without a fingerprint, whether any secret is unreadable."""
        return self.unreadable > 0 if self.in_use is None else self.in_use not in self.own

    @property
    def is_wrong(self) -> bool:
        return self.is_foreign or self.unreadable > 0

    @property
    def problem(self) -> str:
        """In words, if it is wrong."""
        what = "ENCRYPTION_KEYS does not contain the key in use"
        if self.unreadable == 1:
            what = "the only stored secret cannot be opened with ENCRYPTION_KEYS"
        elif self.unreadable:
            what = f"none of the {self.unreadable} stored secrets can be opened with ENCRYPTION_KEYS"
        if self.in_use is None or self.in_use in self.own:
            return what
        return f"{what}: the fingerprint of the key in use is {self.in_use}, not {' or '.join(self.own)}"


class EncryptionKey:
    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store, self._clock, self._vault = store, clock, vault

    def status(self) -> KeyStatus:
        with self._store.reading() as work:
            return self._status(work)

    def require(self) -> None:
        """Before a secret is sealed or replaced: raises WrongEncryptionKey. The first key that is right becomes the one in
        use."""
        status = self.status()
        if status.is_wrong:
            raise WrongEncryptionKey
        if status.in_use is None:
            self.adopt()

    def adopt(self) -> None:
        """Make the newest of this process's keys the one in use, whatever was sealed with another."""
        own, now = self._vault.fingerprints(), self._clock.now()
        with self._store.writing() as work:
            former = work.key_in_use.find()
            work.key_in_use.save(own[0], now)
            # What each of them signed at Stripe must stay verifiable.
            for fingerprint in {*own, former} - {None}:
                work.recoveries.note_key(SigningKey(fingerprint=str(fingerprint), seen_at=now))
            work.commit()

    def _status(self, work: UnitOfWork) -> KeyStatus:
        unreadable = 0
        for sealed in _sealed_secrets(work):
            if can_open(self._vault, sealed):
                unreadable = 0
                break
            unreadable += 1
        return KeyStatus(
            in_use=work.key_in_use.find(), own=tuple(self._vault.fingerprints()), unreadable=unreadable
        )


class CheckEncryptionKey:
    """At the start of a process: log an error if its key is wrong. The first key that is right becomes the one in use."""

    def __init__(self, key: EncryptionKey) -> None:
        self._key = key

    def __call__(self) -> None:
        try:
            self._key.require()
        except WrongEncryptionKey:
            status = self._key.status()
            facts = {"reason": status.problem, "key_in_use": status.in_use, "own_keys": list(status.own)}
            _log.error("wrong encryption key", extra=facts)
        except StoreUnavailable:
            _log.warning("encryption key not checked: database unavailable")


def _sealed_secrets(work: UnitOfWork) -> Iterator[str]:
    """Those that open are found with the first of them: usually a receiver's."""
    for receiver in work.receivers.of_kinds(list(ReceiverKind)):
        yield receiver.sealed_secret
    for integration_id in work.integrations.with_tokens():
        integration = work.integrations.find(integration_id)
        if integration is not None and integration.sealed_access_token is not None:
            yield integration.sealed_access_token
