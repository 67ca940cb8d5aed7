"""Which paths can be expanded, read from the `stripe` package's own resource classes."""

import re
import sys
import typing
from collections.abc import Iterator
from typing import Any, Literal

import stripe
import typing_extensions
from stripe import ListObject, StripeObject

from stripe_emulator.errors import StripeError, malformed

MAX_DEPTH = 4
# Hashes that are shown only on request; the classes do not distinguish them from those that are always shown.
SHOWN_ON_REQUEST = frozenset((("Invoice", "confirmation_secret"),))
_WORD = re.compile(r"[A-Z][a-z]*")


def check_expand(params_type: str, paths: list[str]) -> None:
    """Refuse paths that are too deep or cannot be expanded, before anything is looked up."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            raise malformed(
                f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}",
                code="property_expansion_max_depth",
            )
        if params_type.endswith("ListParams"):
            if steps[0] != "data":
                raise refused(path, f" You may want to try expanding 'data.{steps[0]}' instead.")
            steps = steps[1:]
        if steps and not _leads_somewhere([resource_of(params_type)], steps):
            raise refused(path)


def refused(path: str, advice: str = "") -> StripeError:
    """The refusal of a path."""
    return malformed(f"This property cannot be expanded ({path}).{advice}")


def resource_of(params_type: str) -> Any:
    """The class of an operation's answer: the longest prefix of its parameters' name that names a class."""
    *modules, name = params_type.split(".")
    home: Any = stripe
    for module in modules:
        home = getattr(home, module)
    words = _WORD.findall(name)
    for count in range(len(words), 0, -1):
        found = getattr(home, "".join(words[:count]), None)
        if isinstance(found, type) and issubclass(found, StripeObject):
            return found
    raise LookupError(f"no resource for {params_type}")


def _leads_somewhere(owners: list[Any], steps: list[str]) -> bool:
    for owner in owners:
        annotation = owner.__annotations__.get(steps[0])
        if annotation is None:
            continue
        options = list(_options(annotation, owner))
        if len(steps) > 1:
            rest = steps[1:]
            if any(typing.get_origin(option) is ListObject for option in options):
                if rest[0] != "data":
                    continue
                rest = rest[1:]
            if not rest or _leads_somewhere(_classes(options, owner), rest):
                return True
        elif (str in options and _classes(options, owner)) or _is_shown_on_request(owner, steps[0], options):
            return True
    return False


def _is_shown_on_request(owner: Any, name: str, options: list[Any]) -> bool:
    has_list = any(typing.get_origin(option) is ListObject for option in options)
    return has_list or (owner.__name__, name) in SHOWN_ON_REQUEST


def _options(annotation: Any, owner: Any) -> Iterator[Any]:
    """The alternatives in a field's annotation, with names resolved and plain lists replaced by what they hold."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        annotation = _evaluated(annotation, owner)
    origin = typing.get_origin(annotation)
    if origin in (None, ListObject, Literal, typing_extensions.Literal):
        yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _options(argument, owner)


class _Names(dict[str, Any]):
    """What annotations may refer to: the package imports much of it only for type checkers."""

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(stripe, name)
        except AttributeError:
            raise KeyError(name) from None


def _evaluated(annotation: str, owner: Any) -> Any:
    module = vars(sys.modules[owner.__module__])
    try:
        return eval(annotation, {}, _Names({**module, **vars(owner)}))
    except NameError:
        # A class from a part of the API that is not emulated.
        return StripeObject


def _classes(options: list[Any], owner: Any) -> list[Any]:
    found: list[Any] = []
    for option in options:
        inner = typing.get_args(option)[0] if typing.get_origin(option) is ListObject else option
        found += [
            one for one in _options(inner, owner) if isinstance(one, type) and issubclass(one, StripeObject)
        ]
    return found
