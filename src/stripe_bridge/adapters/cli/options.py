"""Options and parameter types that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from stripe_bridge.adapters.cli.context import context
from stripe_bridge.domain.errors.base import TenantNotFound
from stripe_bridge.domain.ids import read_id
from stripe_bridge.domain.paging import PageRequest

Command = TypeVar("Command", bound=Callable[..., Any])
P = ParamSpec("P")
Result = TypeVar("Result")

AMOUNT = click.IntRange(1, 10**12 - 1)


class Identifier(click.ParamType[int]):
    """An id that the database can hold."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        id_ = read_id(text)
        if not id_:
            self.fail(f"{text!r} is not a valid id", param, ctx)
        return id_


IDENTIFIER = Identifier()


class Text(click.ParamType[str]):
    """Text that every database can store, and that is not blank."""

    name = "text"

    def __init__(
        self, *, max_length: int = 255, pattern: str = "", meaning: str = "", may_be_blank: bool = False
    ) -> None:
        self._max_length, self._pattern, self._meaning = max_length, pattern, meaning
        self._may_be_blank = may_be_blank

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = str(value)
        if not (text.strip() or self._may_be_blank):
            self.fail("must not be blank", param, ctx)
        if len(text) > self._max_length:
            self.fail(f"must not be longer than {self._max_length} characters", param, ctx)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.fail("is not UTF-8", param, ctx)
        if self._pattern and not re.fullmatch(self._pattern, text):
            self.fail(f"is not {self._meaning}", param, ctx)
        return text


class OneOf(click.Choice[Any]):
    """A member of an enumeration, given by its value."""

    def __init__(self, members: type[StrEnum] | list[StrEnum]) -> None:
        self._by_value = {member.value: member for member in members}
        super().__init__(list(self._by_value))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._by_value[super().convert(value, param, ctx)]


class DateTime(click.ParamType[datetime]):
    """ISO 8601, in UTC unless it has an offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                "is not an ISO 8601 date or time such as 2026-11-23 or 2026-11-23T09:30:00Z", param, ctx
            )


tenant_option = click.option(
    "--tenant", "tenant_id", required=True, type=Text(), help="The tenant that owns the data."
)


new_tenant_option = click.option(
    "--new-tenant", is_flag=True, help="Allow a tenant that has neither a token nor an integration yet."
)


def check_tenant(tenant_id: str, *, is_new: bool) -> None:
    """Only what is said to be a new tenant may be one: most likely its name was mistyped."""
    if is_new:
        return
    try:
        context().bridge.access.check_tenant(tenant_id)
    except TenantNotFound as error:
        raise click.ClickException(f"{error.message} If it is a new one, add --new-tenant.") from error


def tenant(command: Callable[P, Result]) -> Callable[P, Result]:
    """A tenant that exists. Otherwise a mistyped name would give an empty list, as if there were nothing to see."""
    return tenant_option(_checking_tenant(command))


def any_tenant(command: Callable[P, Result]) -> Callable[P, Result]:
    named = click.option(
        "--tenant", "tenant_id", type=Text(), help="Only this tenant's; by default, all tenants'."
    )
    return named(_checking_tenant(command))


def _checking_tenant(command: Callable[P, Result]) -> Callable[P, Result]:
    @wraps(command)
    def checked(*arguments: P.args, **values: P.kwargs) -> Result:
        tenant_id = values["tenant_id"]
        if isinstance(tenant_id, str):
            context().bridge.access.check_tenant(tenant_id)
        return command(*arguments, **values)

    return checked


user_id = click.option(
    "--user-id",
    type=IDENTIFIER,
    help="The ERP user on whose behalf this is done; leave out for the ERP itself.",
)


def paging(command: Command) -> Command:
    """`limit` and `before`, for `page_request`."""
    limit = click.option(
        "--limit",
        type=click.IntRange(1, 10_000),
        default=25,
        show_default=True,
        help="How many to show, newest first.",
    )
    before = click.option("--before", type=IDENTIFIER, help="Continue below this id.")
    return limit(before(command))


def page_request(limit: int, before: int | None) -> PageRequest:
    """By id, so that even a very long list starts at once."""
    return PageRequest.below(before, limit)
