"""The boundary between the core and its ports: every crossing is counted, and a process can be ended at any of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from stripe_bridge.ports.adapters import Adapters

_GATEWAYS = ("connect_gateway", "event_gateway", "invoice_gateway", "receiver_gateway", "refund_gateway")


class Crash(BaseException):
    """The process dies here: nothing happens after it, and no use case may catch it."""


class Boundary:
    """Every gateway call, commit and nudge crosses it twice: before it, and after it, when its effect is done. A list that
    comes in pages crosses it with each page.

    `on_crossing` gets the number and the place of each crossing; what it raises ends the process.
    """

    def __init__(self, on_crossing: Callable[[int, str], None]) -> None:
        self._on_crossing = on_crossing
        self.places: list[str] = []

    def around(self, adapters: Adapters) -> Adapters:
        crossed: dict[str, Any] = {name: _Calls(getattr(adapters, name), self) for name in _GATEWAYS}
        nudges: Any = _Calls(adapters.nudges, self)
        store: Any = _Store(adapters.store, self)
        return replace(adapters, store=store, nudges=nudges, **crossed)

    def cross(self, place: str) -> None:
        self.places.append(place)
        self._on_crossing(len(self.places), place)


def crash_at(number: int) -> Boundary:
    def crash(crossing: int, place: str) -> None:
        if crossing == number:
            raise Crash(place)

    return Boundary(crash)


class _Calls:
    """A port whose calls cross the boundary."""

    def __init__(self, inner: Any, boundary: Boundary) -> None:
        self._inner, self._boundary = inner, boundary

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if not callable(method) or name in _STAY_INSIDE:
            return method

        def call(*args: Any, **kwargs: Any) -> Any:
            self._boundary.cross(f"before {name}")
            result = method(*args, **kwargs)
            self._boundary.cross(f"after {name}")
            return self._pages(name, result) if isinstance(result, Iterator) else result

        return call

    def _pages(self, name: str, pages: Iterator[Any]) -> Iterator[Any]:
        while True:
            self._boundary.cross(f"before a page of {name}")
            page = next(pages, _END)
            self._boundary.cross(f"after a page of {name}")
            if page is _END:
                return
            yield page


class _Store:
    def __init__(self, inner: Any, boundary: Boundary) -> None:
        self._inner, self._boundary = inner, boundary

    def writing(self) -> Any:
        return _Work(self._inner.writing(), self._boundary)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Work:
    def __init__(self, inner: Any, boundary: Boundary) -> None:
        self._inner, self._boundary = inner, boundary

    def __enter__(self) -> "_Work":
        self._inner.__enter__()
        return self

    def __exit__(self, *error: Any) -> Any:
        return self._inner.__exit__(*error)

    def commit(self) -> None:
        self._boundary.cross("before commit")
        self._inner.commit()
        self._boundary.cross("after commit")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


_END = object()
# Makes no network call.
_STAY_INSIDE = frozenset({"authorize_url"})
