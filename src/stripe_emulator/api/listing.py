"""Lists: newest first, in pages, with cursors."""

from collections.abc import Callable, Iterable

from stripe_emulator.api.call import Call
from stripe_emulator.errors import Json, StripeError, malformed, no_such
from stripe_emulator.store import Record

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


def page(
    call: Call,
    kind: str,
    url: str,
    matches: Callable[[Record], bool] | None = None,
    among: Iterable[Record] | None = None,
) -> Json:
    """A page of the account's records of a kind, or of the records in `among` (newest first)."""
    records = call.tx.store.newest_first(kind, call.account) if among is None else among
    # Limits out of range are clamped, not refused, as recordings of the real Stripe show.
    limit = max(1, min(MAX_LIMIT, call.params.get("limit", DEFAULT_LIMIT)))
    after, before = _cursor(call, kind, "starting_after"), _cursor(call, kind, "ending_before")
    if after is not None and before is not None:
        raise both_cursors()
    wanted = (
        r
        for r in records
        if (matches is None or matches(r)) and is_within(r.body["created"], call.params.get("created"))
    )
    if before is not None:
        newer = [record for record in wanted if record.seq > before]
        chosen, has_more = newer[-limit:], len(newer) > limit
    else:
        chosen, has_more = [], False
        for record in wanted:
            if after is not None and record.seq >= after:
                continue
            if len(chosen) == limit:
                has_more = True
                break
            chosen.append(record)
    return {"object": "list", "data": [record.body for record in chosen], "has_more": has_more, "url": url}


def _cursor(call: Call, kind: str, name: str) -> int | None:
    cursor = call.params.get(name)
    if cursor is None:
        return None
    record = call.tx.store.find(kind, cursor, call.account)
    if record is None:
        raise no_such(kind.rstrip("s").replace("_", " "), cursor, name, status=400)
    return record.seq


def both_cursors() -> StripeError:
    """The refusal of a page both before and after something, once both cursors are known to exist."""
    return malformed("Received both starting_after and ending_before parameters. Please pass in only one.")


def is_within(time: int, bounds: int | Json | None) -> bool:
    """Whether a time matches a filter such as `created`: an exact time, or bounds."""
    if bounds is None:
        return True
    if isinstance(bounds, int):
        return time == bounds
    return bool(
        time > bounds.get("gt", -1)
        and time >= bounds.get("gte", 0)
        and time < bounds.get("lt", time + 1)
        and time <= bounds.get("lte", time)
    )


def sublist(records: list[Record], url: str, limit: int = DEFAULT_LIMIT) -> Json:
    """The first page of a list inside another object, which unlike a page by itself carries the total."""
    return nested([record.body for record in records], url, limit)


def nested(bodies: list[Json], url: str, limit: int = DEFAULT_LIMIT) -> Json:
    """The same for what has no record of its own."""
    return {
        "object": "list",
        "data": bodies[:limit],
        "has_more": len(bodies) > limit,
        "total_count": len(bodies),
        "url": url,
    }
