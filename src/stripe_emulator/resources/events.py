"""Events as the API shows them."""

from stripe_emulator.api.call import Call
from stripe_emulator.api.listing import page
from stripe_emulator.errors import Json, malformed
from stripe_emulator.store import Record

LIFETIME = 30 * 24 * 3600
MAX_TYPES = 20


def retrieve(call: Call) -> Json:
    """GET /v1/events/{id}."""
    return _for_its_own(call.record("events", "event", "id").body)


def list_(call: Call) -> Json:
    """GET /v1/events: the events of the last thirty days."""
    params = call.params
    if "type" in params and "types" in params:
        raise malformed("You may only specify one of these parameters: type, types.", "type")
    types = params.get("types") or ([params["type"]] if "type" in params else None)
    if types is not None and len(types) > MAX_TYPES:
        # Not recorded.
        raise malformed(f"You may only specify up to {MAX_TYPES} types.", "types")
    delivered = params.get("delivery_success")

    def matches(event: Record) -> bool:
        if event.body["created"] < call.tx.now - LIFETIME:
            return False
        if types is not None and not any(_fits(event.body["type"], one) for one in types):
            return False
        return delivered is None or delivered == (event.body["pending_webhooks"] == 0)

    found = page(call, "events", "/v1/events", matches)
    return {**found, "data": [_for_its_own(event) for event in found["data"]]}


def _for_its_own(event: Json) -> Json:
    """As the event's own account sees it: without `account`, which only Connect endpoints get."""
    return {name: value for name, value in event.items() if name != "account"}


def _fits(event_type: str, wanted: str) -> bool:
    return event_type == wanted or (wanted.endswith("*") and event_type.startswith(wanted[:-1]))
