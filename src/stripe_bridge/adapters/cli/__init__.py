"""Operators' commands. A new one is a module here and a line in `commands.py`."""
