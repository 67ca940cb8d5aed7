"""`keys`, which makes a key before there are settings."""

from __future__ import annotations

from stripe_bridge.adapters.cli.keys import keys_commands
from stripe_bridge.adapters.vault import new_key

keys = keys_commands(new_key)
