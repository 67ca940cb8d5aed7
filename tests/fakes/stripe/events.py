from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from tests.fakes.stripe.fake_stripe import Call, FakeStripe

# The bodies of events, oldest first.
Events = Callable[[str], Sequence[tuple[datetime, bytes]]]


class FakeEventGateway:
    """Lists what `events` returns for an account: by default, what tests put into `happened`."""

    def __init__(self, stripe: FakeStripe, events: Events | None = None, *, per_page: int = 100) -> None:
        self.stripe = stripe
        self.happened: dict[str, list[tuple[datetime, bytes]]] = {}
        self._events = events or (lambda account_id: self.happened.get(account_id, []))
        self._per_page = per_page

    def pages_since(self, account_id: str, since: datetime) -> Iterator[Sequence[bytes]]:
        def effect() -> list[bytes]:
            self.stripe.account(account_id)
            # Stripe counts in seconds.
            first = since.replace(microsecond=0)
            return [body for created_at, body in self._events(account_id) if created_at >= first][::-1]

        last: bytes | None = None
        while True:
            call = Call(
                method="pages_since",
                account_id=account_id,
                key=None,
                arguments={"since": since, "after": last},
            )
            found = self.stripe.serve(call, effect)
            begin = 0 if last is None else found.index(last) + 1
            page = found[begin : begin + self._per_page]
            yield page
            if begin + len(page) >= len(found):
                return
            last = page[-1]
