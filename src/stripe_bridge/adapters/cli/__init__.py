"""Operators' commands, as groups of `flask`. A new group is a module here and a line in `commands.py`."""

from stripe_bridge.adapters.cli.commands import register_commands
from stripe_bridge.adapters.cli.context import CommandTools
from stripe_bridge.adapters.cli.keys import keys_commands

__all__ = ["CommandTools", "keys_commands", "register_commands"]
