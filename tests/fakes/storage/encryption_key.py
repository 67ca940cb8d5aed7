"""The key in use, in memory."""

from datetime import datetime

from tests.fakes.storage.tables import Tables


class FakeKeyInUse:
    def __init__(self, tables: Tables) -> None:
        self._fingerprints = tables.key_in_use

    def find(self) -> str | None:
        return self._fingerprints.find(1)

    def save(self, fingerprint: str, since: datetime) -> None:
        self._fingerprints.put(1, fingerprint)
