"""Engines that are quick to use: thousands of tests make one each, and execute the same statements."""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

# More than the service has statements.
_KEPT = 3_000


def make_engines_quick() -> None:
    """From now on, the engines of this process share compiled statements, for each kind of database."""
    compiled = _ByDialect(_KEPT)
    # Each engine makes a cache of its own, and never sees it.
    Engine._compiled_cache = property(lambda _: compiled, lambda _, _own: None)  # type: ignore[assignment] # it is SQLAlchemy's


class _ByDialect(LRUCache[Any, Any]):
    """A key begins with the engine's own dialect. Those of one class are made with the same options, and compile the same."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_shared(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_shared(key), value)


def _shared(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return type(key[0]), *key[1:]
