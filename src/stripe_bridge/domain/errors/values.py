"""Values that can never be right, whatever the state."""

from __future__ import annotations

from stripe_bridge.domain.errors.base import BridgeError


class Invalid(BridgeError):
    """A value that can never be right, whatever the state; `field` names it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class CurrencyUnknown(Invalid):
    def __init__(self, currency: str) -> None:
        super().__init__(f"Stripe does not charge in the currency {currency!r}.", "currency")
        self.currency = currency


class AmountNotChargeable(Invalid):
    """Stripe would round it: it is refused instead."""

    def __init__(self, amount: int, currency: str, multiple: int, field: str) -> None:
        super().__init__(f"Stripe charges {currency} only in multiples of {multiple} minor units.", field)
        self.amount, self.currency, self.multiple = amount, currency, multiple


class LinesDoNotAddUp(Invalid):
    def __init__(self, total: int, sum_of_lines: int) -> None:
        super().__init__(f"The lines sum to {sum_of_lines}, not to the total of {total}.", "lines")
        self.total, self.sum_of_lines = total, sum_of_lines


class UpdatedInFuture(Invalid):
    """Until then, every other copy of the order would be refused as older."""

    def __init__(self) -> None:
        super().__init__("updated_at is more than a day ahead of this service's clock.", "updated_at")


class InvalidCursor(Invalid):
    def __init__(self) -> None:
        super().__init__("The cursor is not valid.", "cursor")


class IdempotencyKeyReused(Invalid):
    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was already used with a different body.", "Idempotency-Key")


class OriginInvalid(Invalid):
    field = "origin"
    message = (
        "Not an origin such as https://erp.example.com: scheme, host and port, http only on this machine."
    )

    def __init__(self) -> None:
        super().__init__(self.message, self.field)


class UserNotTokens(Invalid):
    field = "user_id"
    message = "The token acts for another user."

    def __init__(self) -> None:
        super().__init__(self.message, self.field)


class UrlNotAllowed(Invalid):
    """Nothing may be sent there."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "url")


class ChangeTypeUnknown(Invalid):
    def __init__(self, pattern: str) -> None:
        super().__init__(
            f"{pattern!r} is neither a type of change nor a group of them such as `invoice.*`.", "types"
        )
        self.pattern = pattern


class CursorBeyondLatest(Invalid):
    def __init__(self, latest: int) -> None:
        super().__init__(f"The newest change is {latest}.", "after")
        self.latest = latest


class CursorPurged(Invalid):
    """What follows it is not kept any more."""

    def __init__(self, oldest: int, field: str) -> None:
        super().__init__(
            f"The oldest change that is still kept is {oldest}: start after {oldest - 1} or later.", field
        )
        self.oldest = oldest
