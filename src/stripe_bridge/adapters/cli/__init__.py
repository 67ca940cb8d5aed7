"""Operators' commands, as groups of `flask`. A new group is a module here and a line in `commands.py`."""

from stripe_bridge.adapters.cli.commands import register_commands
from stripe_bridge.adapters.cli.context import CommandContext
from stripe_bridge.adapters.cli.keys import keys_commands

__all__ = ["CommandContext", "keys_commands", "register_commands"]
