"""Operators' commands, as groups of `flask`. A new group is a module here and a line in `commands.py`."""
