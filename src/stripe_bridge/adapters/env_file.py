"""`.env`: settings in a file, for whatever starts this service."""

from __future__ import annotations

import os
from pathlib import Path

from dotenv import dotenv_values, find_dotenv

_NO = ("0", "false", "no")


def load_env_file() -> Path | None:
    """Set what the file says, unless the environment says otherwise. Returns the file, if there is one.

    It is searched for in the current folder and those above, as the `flask` command does, which has read it before we can.
    """
    # Flask's own switch.
    if os.environ.get("FLASK_SKIP_DOTENV", "no").lower() not in ("", *_NO):
        return None
    path = find_dotenv(usecwd=True)
    if not path:
        return None
    for name, value in dotenv_values(path, encoding="utf-8").items():
        if value is not None:
            os.environ.setdefault(name, value)
    return Path(path)
