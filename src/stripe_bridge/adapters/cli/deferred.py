"""Commands that are loaded only when they are called."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any

import click


class Deferred(click.Command):
    """Stands for a command in lists of commands, which show names and summaries: they need not load it.

    `place` is where the command is, as `module:name`. `summary` is the first sentence of its help.
    """

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self._place = place

    def loaded(self) -> click.Command:
        module, _, name = self._place.partition(":")
        # All that is loaded stays: looking through it for garbage again and again takes a sixth of the time of a start.
        gc.disable()
        try:
            command: click.Command = getattr(import_module(module), name)
        finally:
            gc.enable()
        return command

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Of the command itself, which click then invokes in it."""
        return self.loaded().make_context(info_name, args, parent, **extra)
