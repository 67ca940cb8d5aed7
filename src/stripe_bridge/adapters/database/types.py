"""Column types that turn stored data into the domain's values and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, DateTime, Dialect, LargeBinary, String
from sqlalchemy.types import TypeDecorator

from stripe_bridge.adapters.database.compression import compressed, decompressed
from stripe_bridge.domain.reconciliation import Gap
from stripe_bridge.domain.sales_order import Address, Customer, InvoiceLine, OrderLine
from stripe_bridge.domain.stripe_objects import AccountSnapshot

Choices = TypeVar("Choices", bound=StrEnum)
Value = TypeVar("Value")


def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


class _Members(dict[str | None, Any]):
    """An enumeration's members by what is stored."""

    def __init__(self, choices: type[StrEnum]) -> None:
        super().__init__({choice.value: choice for choice in choices})
        self[None], self._choices = None, choices

    def __missing__(self, value: str | None) -> Any:
        return self._choices(str(value))


class UtcDateTime(TypeDecorator[datetime]):
    """Aware and in UTC on both sides, to the microsecond. SQLite has no time zones, so there it is stored without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A time without a zone cannot be stored.")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """The same in one call where the driver gives datetimes: a third of what is read are times."""
        return super().result_processor(dialect, coltype) if dialect.name == "sqlite" else _in_utc


class Choice(TypeDecorator[Choices], Generic[Choices]):
    """One of an enumeration's values, as text."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[Choices]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: Choices | None, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> Choices | None:
        return None if value is None else self.choices(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """The same without calling the enumeration, which is slow."""
        return _Members(self.choices).__getitem__


class Document(TypeDecorator[Value], Generic[Value]):
    """A value that is only ever read and written as a whole, as JSON."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def __init__(self, dump: Callable[[Value], Any], load: Callable[[Any], Value]) -> None:
        super().__init__()
        self.dump = dump
        self.load = load

    def process_bind_param(self, value: Value | None, dialect: Dialect) -> Any:
        return None if value is None else self.dump(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Value | None:
        return None if value is None else self.load(value)


class Compressed(TypeDecorator[bytes]):
    """Bytes that are stored compressed. Those from before compression was introduced are read as they are."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else compressed(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else decompressed(value)


def dump_customer(customer: Customer) -> Any:
    address = customer.address
    return {
        "id": customer.id,
        "name": customer.name,
        "email": customer.email,
        "address": None if address is None else _fields(address),
    }


def load_customer(stored: Any) -> Customer:
    address = stored["address"]
    return Customer(**{**stored, "address": None if address is None else Address(**address)})


def dump_order_lines(lines: tuple[OrderLine, ...]) -> Any:
    return [
        {"description": line.description, "quantity": str(line.quantity), "amount": line.amount}
        for line in lines
    ]


def load_order_lines(stored: Any) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(**{**line, "quantity": Decimal(line["quantity"])}) for line in stored)


def dump_invoice_lines(lines: tuple[InvoiceLine, ...]) -> Any:
    return [_fields(line) for line in lines]


def load_invoice_lines(stored: Any) -> tuple[InvoiceLine, ...]:
    return tuple(InvoiceLine(**line) for line in stored)


def dump_snapshot(snapshot: AccountSnapshot) -> Any:
    return {**_fields(snapshot), "capabilities": dict(snapshot.capabilities)}


def load_snapshot(stored: Any) -> AccountSnapshot:
    return AccountSnapshot(**stored)


def dump_gap(gap: Gap) -> Any:
    return {**_fields(gap), "newest_at": gap.newest_at.isoformat(), "found_at": gap.found_at.isoformat()}


def load_gap(stored: Any) -> Gap:
    times = {name: datetime.fromisoformat(stored[name]) for name in ("newest_at", "found_at")}
    return Gap(**{**stored, **times})


def _fields(value: Address | InvoiceLine | AccountSnapshot | Gap) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
