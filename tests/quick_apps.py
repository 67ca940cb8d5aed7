"""Flask applications that are quick to make: thousands of tests make one, ask it once or twice, and throw it away."""

from collections.abc import Callable

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]


def make_apps_quick() -> None:
    """From now on, applications of this process share compiled templates, and compile what builds a route's URLs when it
    first builds one."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _InMemory()}
    # Werkzeug writes and compiles two functions for each of fifty routes, and hardly a test builds a URL.
    compile_now: Callable[[Rule, bool], Build] = Rule._compile_builder

    def compile_when_used(rule: Rule, append_unknown: bool = True) -> Build:
        compiled: Build | None = None

        def build(bound: Rule, **values: object) -> tuple[str, str]:
            nonlocal compiled
            compiled = compiled or compile_now(rule, append_unknown)
            return compiled(bound, **values)

        return build

    Rule._compile_builder = compile_when_used  # type: ignore[method-assign,assignment] # it is Werkzeug's


class _InMemory(BytecodeCache):
    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()
