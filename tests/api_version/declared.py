"""What a release of the `stripe` package says about Stripe's objects: read from its source, which is never imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

Keys = tuple[str, ...]
"""Where a value is: an object's name, then names of members, and "[]" for each element of a list."""

_SCALARS = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "Decimal": "string"}
_KINDS = frozenset({"null", "string", "integer", "number", "boolean", "list", "object"})
_LISTS = frozenset({"List", "list", "Sequence"})
_ANY = frozenset({"Any", "object"})
_FREE = frozenset({"Dict", "Mapping", "StripeObject", "UntypedStripeObject", "dict"})
_OBJECT_NAME = re.compile(r'^\s+OBJECT_NAME\b[^=\n]*=\s*"([^"]+)"', re.MULTILINE)
_API_VERSION = re.compile(r'"(\d{4}-\d{2}-\d{2}(?:\.\w+)?)"')


class NoTypes(Exception):
    """The folder holds no release of the package with types."""


@dataclass(frozen=True)
class Shape:
    """What a value may be.

    `values` are those that the package lists for a string, None if it lists none. `of` is what a list, of Python's or of
    Stripe's, has as elements. Anything may be in what `is_free`. `unread` is an annotation of which nothing is understood.
    """

    kinds: frozenset[str]
    values: frozenset[str] | None = None
    classes: tuple[Class, ...] = ()
    of: Shape | None = None
    is_paged: bool = False
    is_free: bool = False
    unread: str | None = None

    def __or__(self, other: Shape) -> Shape:
        lists = [each.values for each in (self, other) if each.values is not None]
        return Shape(
            kinds=self.kinds | other.kinds,
            values=frozenset().union(*lists) if lists else None,
            classes=self.classes + other.classes,
            of=self.of if other.of is None else other.of if self.of is None else self.of | other.of,
            is_paged=self.is_paged or other.is_paged,
            is_free=self.is_free or other.is_free,
            unread=self.unread or other.unread,
        )


_ANYTHING = Shape(_KINDS, is_free=True)
_NULL = Shape(frozenset({"null"}))


@dataclass(frozen=True)
class Class:
    """A class in a module, and the classes around it."""

    module: Module
    node: ast.ClassDef
    around: tuple[ast.ClassDef, ...] = ()

    def member(self, name: str) -> Shape | None:
        for line in self.node.body:
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and line.target.id == name
            ):
                return _Annotations(self).shape(line.annotation)
        return None

    def inner(self, name: str) -> Class | None:
        """The class that the name means in here, if it is not the module's."""
        chain = (*self.around, self.node)
        for depth in range(len(chain), 0, -1):
            for node in chain[depth - 1].body:
                if isinstance(node, ast.ClassDef) and node.name == name:
                    return Class(self.module, node, chain[:depth])
        return None


class Module:
    def __init__(self, package: Package, tree: ast.Module) -> None:
        self._package, self._tree = package, tree

    def find(self, name: str) -> Class | None:
        """The class that the name means here, in this module or imported."""
        for node in self._classes():
            if node.name == name:
                return Class(self, node)
        module, original = self._imports.get(name, (None, name))
        found = None if module is None else self._package.module(module)
        return None if found is None or found is self else found.find(original)

    def named(self, object_name: str) -> Class | None:
        """The class whose objects bear that name."""
        return next(
            (Class(self, node) for node in self._classes() if _object_name(node) == object_name), None
        )

    @property
    def has_types(self) -> bool:
        members = (
            line.target for node in self._classes() for line in node.body if isinstance(line, ast.AnnAssign)
        )
        return any(isinstance(member, ast.Name) and member.id != "OBJECT_NAME" for member in members)

    def _classes(self) -> Iterator[ast.ClassDef]:
        return (node for node in self._tree.body if isinstance(node, ast.ClassDef))

    @cached_property
    def _imports(self) -> Mapping[str, tuple[str, str]]:
        return {
            alias.asname or alias.name: (node.module, alias.name)
            for node in ast.walk(self._tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stripe")
            for alias in node.names
        }


class Package:
    """A release, unpacked: `folder` is the one that contains `stripe`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[str, Module | None] = {}
        if not any(self._annotated_members()):
            raise NoTypes(folder)

    @property
    def api_version(self) -> str:
        for name in ("stripe/_api_version.py", "stripe/api_version.py"):
            path = self._folder / name
            found = _API_VERSION.search(path.read_text()) if path.is_file() else None
            if found:
                return found[1]
        return "unknown"

    def shape(self, keys: Keys) -> Shape | None:
        """What may be there, None if the package says that nothing is."""
        root = self._class(keys[0])
        shape = None if root is None else Shape(frozenset({"object"}), classes=(root,))
        if keys[0] == "list":
            shape = Shape(frozenset({"object"}), of=_ANYTHING, is_paged=True)
        for key in keys[1:]:
            if shape is None:
                return None
            shape = _below(shape, key)
        return shape

    def module(self, name: str) -> Module | None:
        if name not in self._modules:
            path = self._folder / f"{name.replace('.', '/')}.py"
            if not path.is_file():
                path = self._folder / name.replace(".", "/") / "__init__.py"
            tree = ast.parse(path.read_text()) if path.is_file() else None
            self._modules[name] = None if tree is None else Module(self, tree)
        return self._modules[name]

    def _class(self, name: str) -> Class | None:
        """By the name that objects bear (`invoice`), or by that of a class where they bear none (`OAuth.OAuthToken`)."""
        for module in map(self.module, self._files_of_objects.get(name, ())):
            if module is not None and (found := module.named(name)) is not None:
                return found
        outer, _, inner = name.partition(".")
        top = self.module("stripe")
        known = None if top is None else top.find(outer)
        return known.inner(inner) if known is not None and inner else known

    def _annotated_members(self) -> Iterator[bool]:
        modules = (self.module(each) for known in self._files_of_objects.values() for each in known)
        return (module.has_types for module in modules if module is not None)

    @cached_property
    def _files_of_objects(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted((self._folder / "stripe").rglob("*.py")):
            for name in _OBJECT_NAME.findall(path.read_text()):
                module = ".".join(path.relative_to(self._folder).with_suffix("").parts)
                found.setdefault(name, []).append(module)
        return found


@dataclass(frozen=True)
class _Annotations:
    """Reads annotations as they are meant inside a class."""

    inside: Class

    def shape(self, node: ast.expr) -> Shape:
        match node:
            case ast.Constant(value=None):
                return _NULL
            case ast.Constant(value=str(text)):
                return self.shape(ast.parse(text, mode="eval").body)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return self._named(name)
            case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
                return self._generic(name, list(inner.elts) if isinstance(inner, ast.Tuple) else [inner])
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.shape(left) | self.shape(right)
        return replace(_ANYTHING, unread=ast.unparse(node))

    def _named(self, name: str) -> Shape:
        if name in _SCALARS:
            return Shape(frozenset({_SCALARS[name]}))
        if name in _FREE:
            return Shape(frozenset({"object"}), is_free=True)
        if name in _ANY:
            return _ANYTHING
        found = self.inside.inner(name) or self.inside.module.find(name)
        if found is None:
            return replace(_ANYTHING, unread=name)
        return Shape(frozenset({"object"}), classes=(found,))

    def _generic(self, name: str, arguments: list[ast.expr]) -> Shape:
        if name == "Literal":
            return _literal(arguments)
        shapes = [self.shape(each) for each in arguments]
        if name in _LISTS:
            return Shape(frozenset({"list"}), of=shapes[0])
        if name == "ListObject":
            return Shape(frozenset({"object"}), of=shapes[0], is_paged=True)
        if name in ("Optional", "ExpandableField"):
            return shapes[0] | (_NULL if name == "Optional" else Shape(frozenset({"string"})))
        if name == "Union":
            return _joined(shapes)
        return self._named(name)


def _object_name(node: ast.ClassDef) -> str | None:
    for line in node.body:
        match line:
            case (
                ast.AnnAssign(target=ast.Name(id="OBJECT_NAME"), value=ast.Constant(value=str(name)))
                | ast.Assign(targets=[ast.Name(id="OBJECT_NAME")], value=ast.Constant(value=str(name)))
            ):
                return name
    return None


def _literal(arguments: list[ast.expr]) -> Shape:
    constants = [each.value for each in arguments if isinstance(each, ast.Constant)]
    texts = frozenset(each for each in constants if isinstance(each, str))
    return Shape(frozenset({"string"}), values=texts) if texts else Shape(frozenset({"boolean"}))


def _joined(shapes: list[Shape]) -> Shape:
    first, *others = shapes
    for each in others:
        first |= each
    return first


def _below(shape: Shape, key: str) -> Shape | None:
    if shape.is_free:
        return _ANYTHING
    if key == "[]":
        return shape.of
    if shape.is_paged:
        return _of_page(shape, key)
    found = list(_members(shape, key))
    return _joined(found) if found else None


def _members(shape: Shape, key: str) -> Iterator[Shape]:
    for each in shape.classes:
        member = each.member(key)
        if member is not None:
            yield member


def _of_page(shape: Shape, key: str) -> Shape | None:
    """Every list of Stripe's has these, although the package does not declare the last."""
    kinds = {"object": "string", "url": "string", "has_more": "boolean", "total_count": "integer"}
    if key == "data":
        return Shape(frozenset({"list"}), of=shape.of)
    return Shape(frozenset({kinds[key]})) if key in kinds else None
