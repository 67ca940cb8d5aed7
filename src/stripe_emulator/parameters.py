"""What each operation accepts, read from the `stripe` package's own parameter types.

The types are resolved by hand, one class at a time and only once it is needed: the package holds some
thousands of them, and `typing.get_type_hints` trips over names that only type checkers see.
"""

import decimal
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, Union

import stripe.params
import typing_extensions
from stripe import RequestOptions
from stripe._stripe_object import UntypedStripeObject

from stripe_emulator.errors import Json, StripeError, malformed, missing_param

# Takes a parameter's name and decoded value; returns the value in its proper type, or refuses it.
Check = Callable[[str, Any], Any]

_INTEGER = re.compile(r"-?\d{1,18}")


class Parameters:
    """The checks of all operations, each built when first used."""

    def __init__(self) -> None:
        self._checks: dict[Any, Check] = {}

    def check(self, type_name: str, values: Json) -> Json:
        """The parameters of a call in their proper types. Refuses what Stripe would refuse."""
        kind: Any = stripe.params
        for name in type_name.split("."):
            kind = getattr(kind, name)
        checked: Json = self._of(kind, kind)("", values)
        return checked

    def _of(self, annotation: Any, owner: type) -> Check:
        """The check for an annotation in the class `owner`."""
        if isinstance(annotation, str | typing.ForwardRef):
            source = annotation if isinstance(annotation, str) else annotation.__forward_arg__
            return self._of(eval(source, vars(sys.modules[owner.__module__])), owner)
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.NotRequired, typing_extensions.NotRequired, typing.Required):
            return self._of(arguments[0], owner)
        if origin in (Union, types.UnionType):
            return self._any_of(arguments, owner)
        if origin is list:
            return _list_of(self._of(arguments[0], owner))
        if origin in (dict, Mapping):
            return _hash_of(self._of(arguments[1], owner))
        if origin in (Literal, typing_extensions.Literal):
            return _one_of(arguments)
        if typing_extensions.is_typeddict(annotation):
            return self._fields_of(annotation)
        return _SCALARS.get(annotation, _string)

    def _any_of(self, options: tuple[Any, ...], owner: type) -> Check:
        """The check for a union.

        The package types enumerations as `Literal[...] | str`, so that it can be used with a newer API. Stripe itself
        accepts only the listed values.
        """
        useful = [
            o for o in options if typing.get_origin(o) is not UntypedStripeObject and o is not type(None)
        ]
        literals = [a for o in useful if typing.get_origin(o) is Literal for a in typing.get_args(o)]
        if any(literals):
            useful = [option for option in useful if option is not str]
        checks = [self._of(option, owner) for option in useful if option != Literal[""]]
        return _first_of(checks, may_be_empty="" in literals)

    def _fields_of(self, kind: Any) -> Check:
        if kind not in self._checks:
            fields: dict[str, Check] = {}
            required: list[str] = []
            # Stored before it is filled, since a type may refer to itself.
            self._checks[kind] = _fields(fields, required)
            for name, annotation in kind.__annotations__.items():
                if name in RequestOptions.__annotations__:
                    continue
                fields[name.rstrip("_")] = self._of(annotation, kind)
                if _is_required(annotation):
                    required.append(name)
        return self._checks[kind]


def _is_required(annotation: Any) -> bool:
    if isinstance(annotation, typing.ForwardRef):
        return not annotation.__forward_arg__.startswith("NotRequired")
    return typing.get_origin(annotation) not in (typing.NotRequired, typing_extensions.NotRequired)


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def _fields(fields: dict[str, Check], required: list[str]) -> Check:
    def check(name: str, value: Any) -> Json:
        if not isinstance(value, dict):
            raise malformed("Invalid object", name)
        for key in value:
            if key not in fields:
                unknown = _inside(name, key)
                raise malformed(f"Received unknown parameter: {unknown}", unknown, "parameter_unknown")
        for key in required:
            if key not in value:
                raise missing_param(_inside(name, key))
        return {key: fields[key](_inside(name, key), item) for key, item in value.items()}

    return check


def _list_of(item: Check) -> Check:
    def check(name: str, value: Any) -> list[Any]:
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise malformed("Invalid array", name)
        ordered = sorted(value, key=int)
        return [item(_inside(name, key), value[key]) for key in ordered]

    return check


def _hash_of(item: Check) -> Check:
    def check(name: str, value: Any) -> Json:
        if not isinstance(value, dict):
            raise malformed("Invalid object", name)
        # An empty value removes a key, so it is not refused as an empty parameter here.
        return {key: "" if entry == "" else item(_inside(name, key), entry) for key, entry in value.items()}

    return check


def _first_of(checks: list[Check], may_be_empty: bool) -> Check:
    def check(name: str, value: Any) -> Any:
        if value == "" and may_be_empty:
            return ""
        refusal: StripeError | None = None
        for option in checks:
            try:
                return option(name, value)
            except StripeError as error:
                # The refusal that got deepest into the value says most.
                if refusal is None or len(error.param or "") > len(refusal.param or ""):
                    refusal = error
        raise refusal or malformed(f"Invalid value for {name}", name)

    return check


def _one_of(values: tuple[Any, ...]) -> Check:
    def check(name: str, value: Any) -> Any:
        if value in values:
            return value
        if value == "":
            raise _empty(name)
        listed = [str(entry) for entry in values if entry != ""]
        choice = listed[0]
        if len(listed) > 1:
            choice = f"one of {', '.join(listed[:-1])}{',' if len(listed) > 2 else ''} or {listed[-1]}"
        raise malformed(f"Invalid {name}: must be {choice}", name)

    return check


def _empty(name: str) -> StripeError:
    return malformed(
        f"You passed an empty string for '{name}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{name}' cannot be unset. You should remove '{name}' from your request or supply a "
        "non-empty value.",
        name,
        "parameter_invalid_empty",
    )


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise malformed(f"Invalid string: {value}", name)
    if value == "":
        raise _empty(name)
    return value


def _integer(name: str, value: Any) -> int:
    if value == "":
        raise _empty(name)
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise malformed(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def _boolean(name: str, value: Any) -> bool:
    if value not in ("true", "false"):
        # Not recorded.
        raise malformed(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def _decimal(name: str, value: Any) -> Decimal:
    try:
        return Decimal(value)
    except (decimal.InvalidOperation, TypeError) as error:
        # Not recorded.
        raise malformed(f"Invalid decimal: {value}", name) from error


_SCALARS: dict[Any, Check] = {
    int: _integer,
    float: _decimal,
    bool: _boolean,
    Decimal: _decimal,
    str: _string,
}
