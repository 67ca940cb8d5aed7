"""A vault whose sealed texts stay readable, which helps when reading a failing test."""

from collections.abc import Sequence

from stripe_bridge.ports.vault import SealBroken


class FakeVault:
    """Seals with `key`; opens what `key` or one of `older` sealed."""

    def __init__(self, key: str = "key-1", *older: str) -> None:
        self._key = key
        self._known = (key, *older)

    def seal(self, secret: str) -> str:
        return f"sealed({self._key}):{secret[::-1]}"

    def open(self, sealed: str) -> str:
        for key in self._known:
            prefix = f"sealed({key}):"
            if sealed.startswith(prefix):
                return sealed.removeprefix(prefix)[::-1]
        raise SealBroken

    def fingerprints(self) -> Sequence[str]:
        return self._known

    def reseal(self, sealed: str) -> str:
        return self.seal(self.open(sealed))
